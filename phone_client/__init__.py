"""The reference phone: binds, records, buffers, commits and uploads one candidate's evidence."""
