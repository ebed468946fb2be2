// Layers of the chosen point: where they lie under the roofline, and what each costs.

const ROOF = { height: 280, left: 68, bottom: 240, top: 10 };
const HEAT = { left: 84, tall: 34 };

function drawLayers() {
  const layers = state.chosen < 0 ? { names: [] } : layersOf(state.chosen);
  drawRoofline(byId("roofline"), layers, limitsOf(state.chosen));
  drawHeat(byId("heat"), layers);
}

/** MACs and DRAM bytes per cycle at most; null where the point does not say. */
function limitsOf(row) {
  const value = (key) => numeric.get(key)?.values[row] ?? null;
  const bytes = value("dram_bytes_per_second"),
    clock = value("cycles") && value("seconds") ? value("cycles") / value("seconds") : null;
  return value("multipliers") && bytes && clock ? { peak: value("multipliers"), bytes: bytes / clock } : null;
}

/** Layers with MACs: MACs per byte, MACs per cycle, cycles. */
function dotsOf(layers) {
  const dots = layers.names.map((name, k) => ({
    name,
    x: layers.useful_macs[k] / layers.dram_bytes[k],
    y: layers.useful_macs[k] / layers.cycles[k],
    cycles: layers.cycles[k],
  }));
  return dots.filter((each) => each.x > 0 && Number.isFinite(each.x) && each.y > 0);
}

/** MACs per cycle over MACs per byte, with the limits of multipliers and DRAM. */
function drawRoofline(box, layers, limits) {
  const dots = dotsOf(layers);
  if (!dots.length || limits === null) {
    box.replaceChildren(el("p", { class: "hint" }, "This point has no layers with MACs, bytes and limits."));
    return;
  }
  const width = Math.max(280, box.clientWidth),
    right = width - 10,
    ridge = limits.peak / limits.bytes;
  const sx = scaleOf([...dots.map((each) => each.x), ridge / 3, ridge * 3], ROOF.left, right, true);
  const sy = scaleOf([...dots.map((each) => each.y), limits.peak * 1.4], ROOF.bottom, ROOF.top, true);
  const bound = dots.filter((each) => each.x < ridge).length;
  const said = `${si(limits.peak)} MACs and ${si(limits.bytes)} bytes per cycle`;
  const root = picture(width, ROOF.height, `Roofline: ${said}; the DRAM limits ${bound} of ${dots.length} layers`);
  roofAxes(root, sx, sy, width);
  const from = Math.max(sx.low, sy.low / limits.bytes);
  const path = `M${sx.at(from)},${sy.at(from * limits.bytes)}L${sx.at(ridge)},${sy.at(limits.peak)}H${right}`;
  root.append(svg("path", { class: "roof", d: path }));
  const most = Math.max(...dots.map((each) => each.cycles));
  for (const each of dots) {
    const place = { cx: sx.at(each.x), cy: sy.at(each.y), r: 2.5 + 6 * Math.sqrt(each.cycles / most), class: "dot" };
    root.append(
      svg("circle", place, svg("title", {}, `${each.name}: ${si(each.x)} MAC/byte, ${si(each.y)} MAC/cycle`)),
    );
  }
  box.replaceChildren(root, el("p", { class: "hint" }, "Area of a dot: share of the cycles."));
}

function roofAxes(root, sx, sy, width) {
  for (const tick of sx.ticks(5)) {
    root.append(line(sx.at(tick), ROOF.top, sx.at(tick), ROOF.bottom, "grid"));
    root.append(caption(sx.at(tick), ROOF.bottom + 15, "middle", withUnit(tick, "")));
  }
  for (const tick of sy.ticks(5)) {
    root.append(line(ROOF.left, sy.at(tick), width - 10, sy.at(tick), "grid"));
    root.append(caption(ROOF.left - 6, sy.at(tick) + 4, "end", withUnit(tick, "")));
  }
  const turned = { transform: `translate(14 ${ROOF.bottom / 2}) rotate(-90)` };
  root.append(caption((ROOF.left + width) / 2, ROOF.height - 6, "middle", "useful MAC per DRAM byte"));
  root.append(caption(0, 0, "middle", "useful MAC per cycle", turned));
}

/** One column a layer, one row a quantity, each in parts of its largest value. */
function drawHeat(box, layers) {
  const count = layers.names.length;
  const rows = [
    ["cycles", "cycles", ""],
    ["energy_joules", "energy", "J"],
    ["utilization", "utilization", ""],
    ["dram_bytes", "DRAM bytes", "bytes"],
  ].filter(([key]) => count && layers[key].some((value) => value > 0));
  if (!rows.length) {
    box.replaceChildren(el("p", { class: "hint" }, "This point has no layers."));
    return;
  }
  const width = Math.max(280, box.clientWidth),
    step = (width - HEAT.left - 4) / count,
    height = rows.length * HEAT.tall + 30;
  const root = picture(width, height, heatSummary(layers, rows));
  rows.forEach((row, place) => root.append(...heatRow(layers, row, place * HEAT.tall, step)));
  const every = Math.ceil(count / Math.max(4, Math.floor((width - HEAT.left) / 42)));
  for (let k = 0; k < count; k += every) {
    const name = count > 6 ? k + 1 : layers.names[k];
    root.append(caption(HEAT.left + (k + 0.5) * step, height - 10, "middle", name));
  }
  const order = count > 6 ? "Layers by number, in the order of execution." : "";
  const hint = `Dark is little, light is the largest of the row (utilization: 1). ${order}`;
  box.replaceChildren(root, el("p", { class: "hint" }, hint));
}

function heatRow(layers, [key, title, unit], y, step) {
  const most = key === "utilization" ? 1 : Math.max(...layers[key]),
    wide = Math.max(1, step - (step > 6 ? 1 : 0));
  const made = [caption(HEAT.left - 8, y + 21, "end", title)];
  layers.names.forEach((name, k) => {
    const part = layers[key][k] / most,
      value = withUnit(layers[key][k], unit),
      x = HEAT.left + k * step;
    made.push(block(x, y + 3, wide, HEAT.tall - 4, sequential(part), `${k + 1} ${name}: ${title} ${value}`));
    const look = { style: `fill:${onSequential(part)}`, class: "cell" };
    if (step > 60) made.push(caption(x + step / 2, y + 21, "middle", value, look));
  });
  return made;
}

function heatSummary(layers, rows) {
  return rows
    .map(([key, label, unit]) => {
      const top = [...layers[key].keys()].sort((a, b) => layers[key][b] - layers[key][a]).slice(0, 3);
      return `largest ${label}: ${top.map((k) => `${layers.names[k]} ${withUnit(layers[key][k], unit)}`).join(", ")}`;
    })
    .join("; ");
}
