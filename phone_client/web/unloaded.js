// Says so when the app does not start: a file that could not be fetched, or a browser too old to read it.
// This file is read by every browser, so it is written for the oldest.
(function () {
  "use strict";
  function tell() {
    var app = document.getElementById("app");
    var told = document.getElementById("unloaded");
    // Once the app has drawn itself, its faults are its own to tell.
    if (app === null || told === null || app.querySelector("[aria-busy]") === null) return;
    app.innerHTML = told.innerHTML;
  }
  window.addEventListener("error", tell, true);
  window.addEventListener("unhandledrejection", tell);
})();
