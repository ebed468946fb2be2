"use strict";
// Numbers as people read them, elements as the page needs them, colours that colour-blind people can tell apart.

const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8a8a8a"];
// Ten steps of cividis (Nuñez, Anderton and Renslow 2018): even in lightness, the same for all kinds of vision.
const CIVIDIS = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
];
const PREFIXES = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
  [1e-9, "n"],
  [1e-12, "p"],
  [1e-15, "f"],
];

const byId = (id) => document.getElementById(id);

/** An HTML element with attributes and children; text is never read as HTML. */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** The same for SVG. */
function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Text in a drawing; ``anchor`` is "start", "middle" or "end". */
const caption = (x, y, anchor, words, more = {}) => svg("text", { x, y, "text-anchor": anchor, ...more }, words);

/** A rectangle in a drawing that says what it is. */
const block = (x, y, width, height, fill, words) =>
  svg("rect", { x, y, width, height, fill }, svg("title", {}, words));

/** A line in a drawing. */
const line = (x1, y1, x2, y2, kind) => svg("line", { x1, y1, x2, y2, class: kind });

/** An empty drawing that a screen reader reads as one picture. */
const picture = (width, height, words) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });

/** "3.21 M" of 3 210 000; four digits at most. */
function si(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const [scale, prefix] = PREFIXES.find(([least]) => size >= least * 0.9995) || [1e-15, "f"];
  const digits = Number((value / scale).toPrecision(size >= 1e15 ? 4 : 3));
  return prefix ? `${digits} ${prefix}` : String(digits);
}

/** The symbol of a unit as metrics name it; empty for counts and ratios. */
function symbol(unit) {
  if (["J", "s", "J s", "MAC/s"].includes(unit)) return unit;
  if (/^bytes\b/.test(unit)) return "B";
  if (/bytes\/s$/.test(unit)) return "B/s";
  return unit.startsWith("tokens/s") ? "tokens/s" : "";
}

/** A metric's value with its unit. */
function withUnit(value, unit) {
  if (value === null || value === undefined) return "–";
  const short = symbol(unit);
  if (!short) return Math.abs(value) < 1e4 ? String(Number(value.toPrecision(4))) : si(value);
  const text = si(value);
  return / [a-zµ]$/i.test(text) ? text + short : `${text} ${short}`;
}

/** "edp_joule_seconds" as "edp joule seconds". */
const words = (key) => key.replaceAll("_", " ");

/** About ``count`` round values between two numbers. */
function ticks(low, high, count) {
  const raw = (high - low) / count,
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= raw) * power,
    found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-12) + 1e-300; k++) found.push(k * step);
  return found;
}

/** Round values on a logarithmic axis: powers of ten, with 2 and 5 where there is room. */
function logTicks(low, high) {
  const span = Math.log10(high / low),
    factors = span > 4 ? [1] : span > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * 0.9999 && value <= high * 1.0001) found.push(value);
    }
  }
  return found.length > 9 ? found.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9) : found;
}

/** A linear or logarithmic scale from values to pixels; logarithmic only where all values are above 0. */
function scaleOf(values, from, to, log) {
  let low = Infinity,
    high = -Infinity;
  for (const value of values) {
    if (value === null || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = log ? [1, 10] : [0, 1];
  if (log) {
    const room = Math.max((high / low) ** 0.05, 1.02);
    [low, high] = [low / room, high * room];
  } else {
    const room = 0.05 * (high - low) || Math.abs(high) * 0.1 || 1;
    [low, high] = [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
  }
  const turned = log ? Math.log : (value) => value,
    back = log ? Math.exp : (value) => value;
  const first = turned(low),
    span = turned(high) - first;
  return {
    low,
    high,
    log,
    at: (value) => from + ((to - from) * (turned(value) - first)) / span,
    value: (pixel) => back(first + (span * (pixel - from)) / (to - from)),
    ticks: (count) => (log ? logTicks(low, high) : ticks(low, high, count)),
  };
}

/** The colour at 0 … 1 of the sequential scale. */
function sequential(part) {
  const place = Math.max(0, Math.min(1, part)) * (CIVIDIS.length - 1),
    first = Math.min(Math.floor(place), CIVIDIS.length - 2);
  const mix = [0, 1, 2].map((k) => {
    const [a, b] = [CIVIDIS[first], CIVIDIS[first + 1]].map((hex) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16));
    return Math.round(a + (b - a) * (place - first));
  });
  return `rgb(${mix.join(",")})`;
}

/** Black or white, whichever can be read on the sequential colour. */
const onSequential = (part) => (part > 0.5 ? "#000" : "#fff");
