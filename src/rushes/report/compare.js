"use strict";
const videos = [...document.querySelectorAll("video")];
const button = document.getElementById("play");
const place = document.getElementById("place");
const time = document.getElementById("time");
const bench = document.querySelector(".bench");
const whole = () => Math.max(0.01, ...videos.map((video) => video.duration || 0));
const now = () => Math.max(...videos.map((video) => video.currentTime));

const draw = () => {
  place.value = now() / whole();
  time.value = `${now().toFixed(2)} s`;
  if (bench) bench.style.setProperty("--at", Math.min(1, now() / Number(bench.dataset.seconds)));
  if (videos.some((video) => !video.paused && !video.ended)) requestAnimationFrame(draw);
  else button.textContent = "play both";
};
const seek = (seconds) => {
  for (const video of videos) video.currentTime = Math.min(seconds, video.duration || seconds);
};
const toggle = () => {
  if (videos.some((video) => !video.paused && !video.ended)) {
    for (const video of videos) video.pause();
    return;
  }
  const from = videos.every((video) => video.ended) ? 0 : Math.min(...videos.map((v) => v.currentTime));
  seek(from);
  for (const video of videos) video.play();
  button.textContent = "pause";
  requestAnimationFrame(draw);
};
button.addEventListener("click", toggle);
place.addEventListener("input", () => seek(Number(place.value) * whole()));
for (const video of videos) for (const name of ["seeked", "timeupdate", "pause"]) video.addEventListener(name, draw);
if (bench) {
  const track = bench.querySelector(".track");
  track.addEventListener("click", (event) => {
    const box = track.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * Number(bench.dataset.seconds));
  });
}
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, button")) return;
  if (event.key === " ") toggle();
  else if (event.key === "ArrowLeft") seek(Math.max(0, now() - 1 / 24));
  else if (event.key === "ArrowRight") seek(now() + 1 / 24);
  else return;
  event.preventDefault();
});
