/** Camera and microphone: opened together as one stream, with what the browser said where it would not. */

/** @typedef {"user"|"environment"} Facing the front camera or the one at the back */

/**
 * Why there is no camera.  `denied`: by the person or the browser; `none`: no camera (or none such); `busy`:
 * another application holds it; `lost`: it ended right away; `unfit`: this browser has no cameras at all.
 * @typedef {"denied"|"none"|"busy"|"lost"|"unfit"} Refused
 */

export {};
