"use strict";
const root = document.documentElement;
const cards = [...document.querySelectorAll(".card")];
const shown = () => cards.filter((card) => !("out" in card.dataset));
let current = null;

const choose = (card, scroll = true) => {
  if (current) current.classList.remove("current");
  current = card;
  if (!card) return;
  card.classList.add("current");
  if (scroll) card.scrollIntoView({ block: "start", behavior: "smooth" });
};
const videoOf = (card) => card && card.querySelector(".screen video");

for (const card of cards) {
  const video = videoOf(card);
  const bench = card.querySelector(".bench");
  card.addEventListener("pointerdown", () => choose(card, false));
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

const opened = [];
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details.good:not([open])")) {
    one.open = true;
    opened.push(one);
  }
});
addEventListener("afterprint", () => {
  for (const one of opened.splice(0)) one.open = false;
});

const tools = document.querySelector(".tools");
const search = document.getElementById("search");
const byCheck = document.getElementById("by-check");
const chips = [...document.querySelectorAll(".chip")];
let status = "";

const filter = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const check = byCheck ? byCheck.value : "";
  for (const card of cards) {
    const text = card.querySelector("header, .facts").textContent + card.querySelector(".facts").textContent;
    const fits = (!status || card.dataset.status === status || (status === "bad" && card.dataset.status !== "passed"))
      && (!check || card.dataset.checks.split(" ").includes(check))
      && words.every((word) => text.toLowerCase().includes(word));
    const cell = document.querySelector(`.cell[href="#${card.id}"]`);
    for (const one of [card, cell]) {
      if (!one) continue;
      if (fits) delete one.dataset.out;
      else one.dataset.out = "";
    }
  }
  for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.status === status));
  for (const section of document.querySelectorAll("main > section")) {
    const inside = [...section.querySelectorAll(".card")];
    if (!inside.length) continue;
    if (inside.every((card) => "out" in card.dataset)) section.dataset.out = "";
    else delete section.dataset.out;
  }
  const count = shown().length;
  document.getElementById("count").value = count === cards.length ? "" : `${count} of ${cards.length}`;
  if (current && "out" in current.dataset) choose(null);
};

const remember = (theme) => {
  try { localStorage.setItem("rushes-theme", theme); } catch { /* a page of a file may keep nothing */ }
};
const turn = () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember(root.dataset.theme);
};
try {
  const kept = localStorage.getItem("rushes-theme");
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
} catch { /* the same */ }

const move = (step) => {
  const list = shown();
  if (!list.length) return;
  const place = list.indexOf(current);
  choose(list[place < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, place + step))]);
};
const stepFrame = (step) => {
  const video = videoOf(current);
  if (!video) return;
  video.pause();
  video.currentTime = Math.max(0, video.currentTime + step / Number(current.dataset.fps || 24));
};
const stepMark = (step) => {
  const video = videoOf(current);
  if (!video) return;
  const places = [...current.querySelectorAll(".mark")].map((mark) => Number(mark.dataset.seek)).sort((a, b) => a - b);
  const next = step > 0
    ? places.find((place) => place > video.currentTime + 0.01)
    : places.findLast((place) => place < video.currentTime - 0.01);
  if (next !== undefined) video.currentTime = next;
};
const play = () => {
  const video = videoOf(current || shown()[0]);
  if (!current) choose(shown()[0] || null, false);
  if (video) video.paused ? video.play() : video.pause();
};
const help = document.getElementById("keys");
const actions = {
  j: () => move(1), k: () => move(-1), " ": play,
  ",": () => stepFrame(-1), ".": () => stepFrame(1), "[": () => stepMark(-1), "]": () => stepMark(1),
  f: () => { status = status === "bad" ? "" : "bad"; filter(); },
  "/": () => search.focus(), t: turn, "?": () => help.showModal(),
};

if (tools) {
  tools.hidden = false;
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      status = chip.dataset.status;
      filter();
    });
  }
  search.addEventListener("input", filter);
  if (byCheck) byCheck.addEventListener("change", filter);
  document.getElementById("theme").addEventListener("click", turn);
  document.getElementById("help").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      search.blur();
      filter();
      return;
    }
    const busy = event.target.closest("input, select, textarea, video");
    if (busy || (event.key === " " && event.target.closest("button, a, summary"))) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
