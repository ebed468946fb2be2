// Layers of the chosen point: where they lie under the roofline, and what each costs.

function drawLayers() {
  const row = state.chosen;
  drawRoofline(byId("roofline"), row);
  drawHeat(byId("heat"), row);
}

/** MACs per cycle over MACs per byte, with the limits of multipliers and DRAM. */
function drawRoofline(box, row) {
  const value = (key) => numeric.get(key)?.values[row] ?? null;
  const clock = value("cycles") && value("seconds") ? value("cycles") / value("seconds") : null;
  const peak = value("multipliers"),
    perCycle = value("dram_bytes_per_second") && clock ? value("dram_bytes_per_second") / clock : null;
  const layers = row < 0 ? { names: [] } : layersOf(row);
  const dots = layers.names
    .map((name, k) => ({
      name,
      x: layers.useful_macs[k] / layers.dram_bytes[k],
      y: layers.useful_macs[k] / layers.cycles[k],
      share: layers.cycles[k],
    }))
    .filter((each) => each.x > 0 && Number.isFinite(each.x) && each.y > 0);
  if (!dots.length || !peak || !perCycle) {
    box.replaceChildren(el("p", { class: "hint" }, "This point has no layers with MACs, bytes and limits."));
    return;
  }
  const width = Math.max(280, box.clientWidth),
    height = 280,
    left = 52,
    bottom = 240,
    ridge = peak / perCycle;
  const sx = scaleOf([...dots.map((each) => each.x), ridge / 3, ridge * 3], left, width - 10, true);
  const sy = scaleOf([...dots.map((each) => each.y), peak * 1.4], bottom, 10, true);
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label":
      `Roofline: ${si(peak)} MACs per cycle, ${si(perCycle)} bytes per cycle; ` +
      `the DRAM limits ${dots.filter((each) => each.x < ridge).length} of ${dots.length} layers`,
  });
  for (const tick of sx.ticks(5))
    root.append(
      svg("line", { class: "grid", x1: sx.at(tick), x2: sx.at(tick), y1: 10, y2: bottom }),
      svg("text", { x: sx.at(tick), y: bottom + 15, "text-anchor": "middle" }, si(tick)),
    );
  for (const tick of sy.ticks(5))
    root.append(
      svg("line", { class: "grid", x1: left, x2: width - 10, y1: sy.at(tick), y2: sy.at(tick) }),
      svg("text", { x: left - 6, y: sy.at(tick) + 4, "text-anchor": "end" }, si(tick)),
    );
  const from = Math.max(sx.low, sy.low / perCycle);
  root.append(
    svg("path", {
      class: "roof",
      d: `M${sx.at(from)},${sy.at(from * perCycle)}L${sx.at(ridge)},${sy.at(peak)}H${width - 10}`,
    }),
  );
  const most = Math.max(...dots.map((each) => each.share));
  for (const each of dots) {
    root.append(
      svg(
        "circle",
        { cx: sx.at(each.x), cy: sy.at(each.y), r: 2.5 + 6 * Math.sqrt(each.share / most), class: "dot" },
        svg("title", {}, `${each.name}: ${si(each.x)} MAC/byte, ${si(each.y)} MAC/cycle`),
      ),
    );
  }
  root.append(
    svg("text", { x: (left + width) / 2, y: height - 6, "text-anchor": "middle" }, "useful MAC per DRAM byte"),
    svg(
      "text",
      { transform: `translate(12 ${bottom / 2}) rotate(-90)`, "text-anchor": "middle" },
      "useful MAC per cycle",
    ),
  );
  box.replaceChildren(root, el("p", { class: "hint" }, "Area of a dot: share of the cycles."));
}

/** One column a layer, one row a quantity, each in parts of its largest value. */
function drawHeat(box, row) {
  const layers = row < 0 ? { names: [] } : layersOf(row),
    count = layers.names.length;
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
    left = 84,
    step = (width - left - 4) / count,
    tall = 34,
    height = rows.length * tall + 30;
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    class: "heat",
    "aria-label": heatSummary(layers, rows),
  });
  rows.forEach(([key, label, unit], line) => {
    const most = key === "utilization" ? 1 : Math.max(...layers[key]);
    root.append(svg("text", { x: left - 8, y: line * tall + 21, "text-anchor": "end" }, label));
    for (let k = 0; k < count; k++) {
      const part = layers[key][k] / most;
      root.append(
        svg(
          "rect",
          {
            x: left + k * step,
            y: line * tall + 3,
            width: Math.max(1, step - (step > 6 ? 1 : 0)),
            height: tall - 4,
            fill: sequential(part),
          },
          svg("title", {}, `${k + 1} ${layers.names[k]}: ${label} ${withUnit(layers[key][k], unit)}`),
        ),
      );
      if (step > 60)
        root.append(
          svg(
            "text",
            {
              x: left + (k + 0.5) * step,
              y: line * tall + 21,
              "text-anchor": "middle",
              style: `fill:${onSequential(part)}`,
              class: "cell",
            },
            withUnit(layers[key][k], unit),
          ),
        );
    }
  });
  const every = Math.ceil(count / Math.max(4, Math.floor((width - left) / 42)));
  for (let k = 0; k < count; k += every) {
    root.append(
      svg(
        "text",
        { x: left + (k + 0.5) * step, y: height - 10, "text-anchor": "middle" },
        count > 6 ? k + 1 : layers.names[k],
      ),
    );
  }
  box.replaceChildren(
    root,
    el(
      "p",
      { class: "hint" },
      "Dark is little, light is the largest of the row (utilization: 1). ",
      count > 6 ? "Layers by number, in the order of execution." : "",
    ),
  );
}

function heatSummary(layers, rows) {
  return rows
    .map(([key, label, unit]) => {
      const top = [...layers[key].keys()].sort((a, b) => layers[key][b] - layers[key][a]).slice(0, 3);
      return `largest ${label}: ${top.map((k) => `${layers.names[k]} ${withUnit(layers[key][k], unit)}`).join(", ")}`;
    })
    .join("; ");
}
