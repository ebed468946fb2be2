// How a reader gets to a point: a cursor that the keyboard moves, a pointer that hovers, clicks and drags a box.

function makeCursor() {
  plot.cursor = svg(
    "g",
    {
      id: "cursor",
      role: "button",
      tabindex: "0",
      onkeydown: moveCursor,
      onfocus: () => {
        if (state.current >= 0) showTip(state.current);
      },
      onblur: hideTip,
    },
    svg("circle", { r: 9, class: "halo" }),
    svg("circle", { r: 9, class: "ring" }),
  );
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

function spoken(row) {
  const values = [state.x, state.y].map((key) => `${numeric.get(key).label} ${shownValue(key, row)}`);
  return [`${describe(row) || data.points[row]}: ${values.join(", ")}`, ...marksOf(row)].join("; ");
}

/** Arrow keys step through the visible points by value, Page keys by a tenth of them. */
function moveCursor(event) {
  const places = plot.rows.map((row, place) => place).filter((place) => state.seen.has(plot.rows[place]));
  const along = ["ArrowUp", "ArrowDown"].includes(event.key) ? plot.py : plot.px;
  places.sort((a, b) => along[a] - along[b] || a - b);
  const now = places.indexOf(plot.rows.indexOf(state.current)),
    tenth = Math.max(1, Math.round(places.length / 10));
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

/** What a point is, beside it. */
function showTip(row) {
  const place = plot.rows.indexOf(row),
    tip = byId("tip");
  if (place < 0) return;
  const entry = (name, value) => el("div", {}, el("b", {}, `${name} `), value);
  const values = [state.x, state.y].map((key) => entry(numeric.get(key).label, shownValue(key, row)));
  const own = namedBy(row).map((each) => entry(each.key, plain(each.levels[codeOf(each, row)])));
  tip.replaceChildren(...values, ...own, el("div", { class: "hint" }, marksOf(row).join(", ")));
  tip.hidden = false;
  placeTip(tip, plot.px[place], plot.py[place]);
}

/** Right or left of the point; where neither has room, above or below it. */
function placeTip(tip, x, y) {
  const wide = tip.offsetWidth,
    tall = tip.offsetHeight;
  let [left, top] = [x + 16, Math.max(0, Math.min(y - 20, plot.height - tall))];
  if (left + wide > plot.width) left = x - wide - 16;
  if (left < 0)
    [left, top] = [Math.max(0, Math.min(x - wide / 2, plot.width - wide)), y > tall + 14 ? y - tall - 14 : y + 14];
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

/** The row of the nearest point within some pixels, -1 where there is none; points within the filters come first. */
function nearest(x, y) {
  let best = -1,
    least = 18 ** 2;
  plot.rows.forEach((row, place) => {
    const far = (plot.px[place] - x) ** 2 + (plot.py[place] - y) ** 2 + (state.seen.has(row) ? 0 : 120);
    if (far < least) [best, least] = [row, far];
  });
  return best;
}

function pointerInPlot(event) {
  const box = byId("plot").getBoundingClientRect();
  return [
    ((event.clientX - box.left) * plot.width) / box.width,
    ((event.clientY - box.top) * plot.height) / box.height,
  ];
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
    const end = pointerInPlot(event),
      [x0, y0] = start,
      moved = Math.hypot(end[0] - x0, end[1] - y0);
    start = null;
    drawBrush([0, 0], [0, 0]);
    if (moved >= 6) brush([x0, y0], end);
    else {
      const row = nearest(...end);
      if (row >= 0) choose(row);
    }
  });
  root.addEventListener("pointercancel", () => {
    start = null;
  });
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
