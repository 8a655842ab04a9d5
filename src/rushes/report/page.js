"use strict";
for (const card of document.querySelectorAll(".card")) {
  const video = card.querySelector("video");
  const bench = card.querySelector(".bench");
  if (!video) continue;

  const seek = (seconds) => {
    video.currentTime = seconds;
    video.scrollIntoView({ block: "nearest", behavior: "smooth" });
  };
  for (const button of card.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      seek(Number(button.dataset.seek));
    });
  }
  if (!bench) continue;

  const whole = Number(bench.dataset.seconds);
  const draw = () => {
    bench.style.setProperty("--at", Math.min(1, video.currentTime / whole));
    if (!video.paused) requestAnimationFrame(draw);
  };
  for (const name of ["play", "seeked", "timeupdate"]) video.addEventListener(name, draw);
  for (const track of bench.querySelectorAll(".track")) {
    track.addEventListener("click", (event) => {
      const box = track.getBoundingClientRect();
      seek(((event.clientX - box.left) / box.width) * whole);
    });
  }
}
