"""HTTP: each module turns requests into calls of the stages and their answers into responses."""
