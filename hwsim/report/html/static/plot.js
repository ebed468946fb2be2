// The scatter plot: points, front, brush, and a cursor that goes from point to point by keyboard.

const MARGIN = { left: 64, right: 14, top: 12, bottom: 44 };
const SHAPES = { point: (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  proven: (r) => `M0,${-1.5 * r}L${1.5 * r},0L0,${1.5 * r}L${-1.5 * r},0Z` };
const plot = { rows: [], px: [], py: [], sx: null, sy: null, cursor: null, width: 0, height: 0 };

/** A function row -> colour, and what the legend shows. */
function colouring() {
  const text = textual.get(state.colour), number = numeric.get(state.colour);
  if (text) {
    return { of: (row) => (text.codes[row] < 0 ? "var(--faint)" : OKABE_ITO[text.codes[row] % OKABE_ITO.length]), text };
  }
  if (!number) return { of: () => "var(--accent)" };
  const known = plot.rows.map((row) => number.values[row]).filter((value) => value !== null);
  const positive = known.length > 0 && known.every((value) => value > 0);
  const scale = scaleOf(known, 0, 1, positive && Math.max(...known) / Math.min(...known) > 30);
  const ends = [Math.min(...known), Math.max(...known)].map((value) => scale.at(value));
  const part = (value) => (ends[1] > ends[0] ? (scale.at(value) - ends[0]) / (ends[1] - ends[0]) : 0.5);
  const of = (row) => (number.values[row] === null ? "var(--faint)" : sequential(part(number.values[row])));
  return { of, number, low: Math.min(...known), high: Math.max(...known) };
}

function drawPlot() {
  const root = byId("plot"), box = root.getBoundingClientRect();
  plot.width = Math.max(260, box.width);
  plot.height = Math.max(260, box.height);
  root.setAttribute("viewBox", `0 0 ${plot.width} ${plot.height}`);
  plot.rows = plotted();
  const xs = numeric.get(state.x).values, ys = numeric.get(state.y).values;
  plot.sx = scaleOf(plot.rows.map((row) => xs[row]), MARGIN.left, plot.width - MARGIN.right, state.logx);
  plot.sy = scaleOf(plot.rows.map((row) => ys[row]), plot.height - MARGIN.bottom, MARGIN.top, state.logy);
  plot.px = plot.rows.map((row) => plot.sx.at(xs[row]));
  plot.py = plot.rows.map((row) => plot.sy.at(ys[row]));
  const colours = colouring();
  const cursor = plot.cursor || makeCursor();
  root.replaceChildren(axesLayer(), pointsLayer(colours), frontLine(), svg("rect", { id: "brush", class: "brush" }), cursor);
  placeCursor();
  drawLegend(colours);
}

/** A value beside an axis, with the axis' unit. */
const tick = (key, value) => withUnit(value, numeric.get(key).unit);

function axesLayer() {
  const layer = svg("g", { class: "axes", "aria-hidden": "true" });
  const bottom = plot.height - MARGIN.bottom, right = plot.width - MARGIN.right;
  for (const value of plot.sx.ticks(Math.max(3, plot.width / 110))) {
    const x = plot.sx.at(value);
    layer.append(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: bottom }),
      svg("text", { x, y: bottom + 16, "text-anchor": "middle" }, tick(state.x, value)));
  }
  for (const value of plot.sy.ticks(Math.max(3, plot.height / 70))) {
    const y = plot.sy.at(value);
    layer.append(svg("line", { x1: MARGIN.left, x2: right, y1: y, y2: y }),
      svg("text", { x: MARGIN.left - 7, y: y + 4, "text-anchor": "end" }, tick(state.y, value)));
  }
  layer.append(
    svg("text", { class: "title", x: (MARGIN.left + right) / 2, y: plot.height - 8, "text-anchor": "middle" }, numeric.get(state.x).label),
    svg("text", { class: "title", transform: `translate(14 ${(MARGIN.top + bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle" }, numeric.get(state.y).label));
  return layer;
}

/** All points; those outside the filters are faint and lie below, the front has a ring and lies on top. */
function pointsLayer(colours) {
  const layer = svg("g", { class: "points", "aria-hidden": "true" }), seen = state.seen;
  const level = (row) => (seen.has(row) ? 1 : 0) + (data.front[row] && seen.has(row) ? 1 : 0);
  const order = plot.rows.map((row, place) => [level(row), place]).sort((a, b) => a[0] - b[0]);
  const small = plot.rows.length > 600 ? 2.6 : 3.6;
  for (const [rank, place] of order) {
    const row = plot.rows[place], shape = data.proven[row] ? SHAPES.proven : SHAPES.point;
    const kind = rank === 0 ? "out" : rank === 2 ? "in front" : "in";
    layer.append(svg("path", { d: shape(rank === 2 ? small + 1.6 : small), class: kind, fill: colours.of(row),
      transform: `translate(${plot.px[place].toFixed(1)} ${plot.py[place].toFixed(1)})` }));
  }
  return layer;
}

/** The front as steps, where the axes are the two objectives of one workload. */
function frontLine() {
  const names = data.objectives.map((each) => each.name), one = state.group >= 0 || data.groups.levels.length === 1;
  const shown = one && names.length === 2 && names.includes(state.x) && names.includes(state.y);
  const places = !shown ? [] : plot.rows.map((row, place) => place).filter((place) => data.front[plot.rows[place]])
    .sort((a, b) => plot.px[a] - plot.px[b] || plot.py[a] - plot.py[b]);
  const path = places.map((place, k) => (k ? `H${plot.px[place]}V${plot.py[place]}` : `M${plot.px[place]},${plot.py[place]}`));
  return svg("path", { class: "frontline", d: path.join(""), "aria-hidden": "true" });
}

function makeCursor() {
  plot.cursor = svg("g", { id: "cursor", role: "button", tabindex: "0", onkeydown: moveCursor,
    onfocus: () => { if (state.current >= 0) showTip(state.current); }, onblur: hideTip },
  svg("circle", { r: 9, class: "halo" }), svg("circle", { r: 9, class: "ring" }));
  return plot.cursor;
}

/** Puts the cursor on the current point; on the first of the front, or of all, where there is none. */
function placeCursor() {
  let place = plot.rows.indexOf(state.current);
  if (place < 0) {
    place = plot.rows.findIndex((row) => data.front[row] && state.seen.has(row));
    place = place < 0 ? 0 : place;
    state.current = plot.rows.length ? plot.rows[place] : -1;
  }
  const shown = plot.rows.length > 0;
  plot.cursor.setAttribute("visibility", shown ? "visible" : "hidden");
  plot.cursor.setAttribute("aria-label", shown ? spoken(state.current) : "no points");
  if (shown) plot.cursor.setAttribute("transform", `translate(${plot.px[place]} ${plot.py[place]})`);
  plot.cursor.setAttribute("aria-pressed", state.current === state.chosen ? "true" : "false");
}

const spoken = (row) => `${describe(row) || data.points[row]}; ${numeric.get(state.x).label} ${shownValue(state.x, row)}, ` +
  `${numeric.get(state.y).label} ${shownValue(state.y, row)}${data.front[row] ? "; on the front" : ""}${data.proven[row] ? "; proven" : ""}`;

/** Arrow keys step through the visible points by value, Page keys by a tenth of them. */
function moveCursor(event) {
  const places = plot.rows.map((row, place) => place).filter((place) => state.seen.has(plot.rows[place]));
  const along = ["ArrowUp", "ArrowDown"].includes(event.key) ? plot.py : plot.px;
  places.sort((a, b) => along[a] - along[b] || a - b);
  const now = places.indexOf(plot.rows.indexOf(state.current)), tenth = Math.max(1, Math.round(places.length / 10));
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: -1, ArrowDown: 1, PageDown: tenth, PageUp: -tenth };
  let next = -1;
  if (event.key in steps) next = places[Math.max(0, Math.min(places.length - 1, now + steps[event.key]))];
  const front = places.filter((place) => data.front[plot.rows[place]]);
  if (event.key === "Home") next = front[0] ?? places[0];
  if (event.key === "End") next = front[front.length - 1] ?? places[places.length - 1];
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(state.current);
    say(`Chosen: ${spoken(state.current)}`);
    return;
  }
  if (event.key === "Escape") hideTip();
  if (next === undefined || next < 0) return;
  event.preventDefault();
  state.current = plot.rows[next];
  placeCursor();
  showTip(state.current);
}

function showTip(row) {
  const place = plot.rows.indexOf(row), tip = byId("tip");
  if (place < 0) return;
  const lines = varied().filter((each) => codeOf(each, row) >= 0).slice(0, 12)
    .map((each) => el("div", {}, el("b", {}, `${each.key} `), plain(each.levels[codeOf(each, row)])));
  const values = [state.x, state.y].map((key) => el("div", {}, el("b", {}, `${numeric.get(key).label} `), shownValue(key, row)));
  const marks = [data.front[row] && "on the front", data.proven[row] && "proven", !data.feasible[row] && "not feasible"];
  tip.replaceChildren(...values, ...lines, el("div", { class: "hint" }, marks.filter(Boolean).join(", ")));
  tip.hidden = false;
  const left = plot.px[place] + 16 + tip.offsetWidth > plot.width ? plot.px[place] - tip.offsetWidth - 16 : plot.px[place] + 16;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, Math.min(plot.py[place] - 20, plot.height - tip.offsetHeight))}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

/** The row of the nearest point within some pixels, -1 where there is none; points within the filters come first. */
function nearest(x, y) {
  let best = -1, least = 18 ** 2;
  plot.rows.forEach((row, place) => {
    const far = (plot.px[place] - x) ** 2 + (plot.py[place] - y) ** 2 + (state.seen.has(row) ? 0 : 120);
    if (far < least) [best, least] = [row, far];
  });
  return best;
}

function pointerInPlot(event) {
  const box = byId("plot").getBoundingClientRect();
  return [(event.clientX - box.left) * plot.width / box.width, (event.clientY - box.top) * plot.height / box.height];
}

/** Drag to filter, click to choose, hover to look. A finger only chooses: dragging scrolls the page. */
function watchPointer() {
  const root = byId("plot");
  let start = null;
  root.addEventListener("pointerdown", (event) => {
    start = pointerInPlot(event);
    if (event.pointerType !== "touch") root.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    const [x, y] = pointerInPlot(event);
    if (start && event.pointerType !== "touch") drawBrush(start, [x, y]);
    else if (!start) {
      const row = nearest(x, y);
      if (row >= 0) showTip(row);
      else hideTip();
    }
  });
  root.addEventListener("pointerup", (event) => {
    if (!start) return;
    const end = pointerInPlot(event), [x0, y0] = start, moved = Math.hypot(end[0] - x0, end[1] - y0);
    start = null;
    drawBrush([0, 0], [0, 0]);
    if (moved >= 6) brush([x0, y0], end);
    else {
      const row = nearest(...end);
      if (row >= 0) choose(row);
    }
  });
  root.addEventListener("pointercancel", () => { start = null; });
  root.addEventListener("pointerleave", hideTip);
}

function drawBrush([x0, y0], [x1, y1]) {
  const box = { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
  for (const [name, value] of Object.entries(box)) byId("brush").setAttribute(name, value);
}

/** A box becomes a filter on each of the two axes. */
function brush([x0, y0], [x1, y1]) {
  const range = (scale, a, b) => [scale.value(a), scale.value(b)].sort((p, q) => p - q);
  state.filters.set(state.x, range(plot.sx, x0, x1));
  state.filters.set(state.y, range(plot.sy, y0, y1));
  changed("view");
  say(`${state.visible.length} points within the box`);
}
