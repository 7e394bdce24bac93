"use strict";
// Draws the charts from the JSON in #data. Everything it shows that decides a
// verdict is in the tables as well.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const plots = new Map();

  const number = (v) => {
    if (v == null) return "–";
    if (v >= 1000) return Math.round(v).toLocaleString("en");
    return v >= 99.95 ? v.toFixed(0) : v >= 9.995 ? v.toFixed(1) : v >= 0.9995 ? v.toFixed(2) : v === 0 ? "0" : v.toFixed(3);
  };
  const ms = (v) => (v == null ? "–" : number(v) + " ms");
  const perSecond = (v) => (v == null ? "–" : number(v) + "/s");
  const seconds = (v) => (v == null ? "–" : v.toFixed(1) + " s");
  // A log axis cannot show 0: a latency below a microsecond is drawn as one.
  const positive = (values) => values.map((v) => (v == null ? v : Math.max(v, 0.001)));
  const any = (values) => values != null && values.some((v) => v != null);

  // The x axis of the spectrum is 1/(1-p) on a log scale: each nine has the same width.
  const stretch = (percentile) => 100 / Math.max(100 - percentile, 1e-7);
  const percent = (x) => {
    if (x == null) return "–";
    const p = 100 - 100 / x;
    const nines = Math.max(0, Math.ceil(Math.log10(x) - 1e-9) - 2);
    return p.toFixed(Math.min(nines + 1, 5)).replace(/\.?0+$/, "") + " %";
  };

  const axis = (values, label, size) => ({
    stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 },
    font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: label ? 18 : 0,
    values, ...(label && { label }), ...(size && { size }),
  });
  // Labels of a linear axis, without the zeros that a measured number keeps.
  const plain = (u, splits) => splits.map((v) => (v == null ? null : v.toLocaleString("en", { maximumFractionDigits: 3 })));
  const decades = (format) => (u, splits) => splits.map((v) => (v != null && Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-6 ? format(v) : null));
  const line = (label, name, value, more) => ({ label, stroke: colour(name), width: 1.75, value: (u, v) => value(v), points: { show: false }, ...more });

  // Spans and moments worth pointing out, behind the lines.
  const marks = {
    hooks: {
      drawAxes: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.fillStyle = colour("mark");
        for (const m of data.marks) {
          const from = u.valToPos(m.at, "x", true);
          const till = m.till ? u.valToPos(m.till, "x", true) : from;
          const left = Math.max(from, bbox.left);
          const right = Math.min(Math.max(till, from + 2 * devicePixelRatio), bbox.left + bbox.width);
          if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
        }
        ctx.restore();
      },
    },
  };

  // The thresholds of an operation: from the percentile on, and above the limit, is where it must not be.
  const limits = (list) => ({
    hooks: {
      draw: (u) => {
        const { ctx, bbox } = u;
        const pixel = devicePixelRatio;
        ctx.save();
        ctx.strokeStyle = ctx.fillStyle = colour("fail");
        ctx.setLineDash([]);
        ctx.lineWidth = 1.5 * pixel;
        ctx.font = 12 * pixel + "px system-ui, sans-serif";
        ctx.textBaseline = "bottom";
        for (const l of list) {
          const x = u.valToPos(stretch(l.percentile), "x", true);
          const y = u.valToPos(l.ms, "y", true);
          if (y < bbox.top || y > bbox.top + bbox.height || x > bbox.left + bbox.width) continue;
          ctx.beginPath();
          ctx.moveTo(Math.max(x - 14 * pixel, bbox.left), y);
          ctx.lineTo(Math.min(x + 14 * pixel, bbox.left + bbox.width), y);
          ctx.moveTo(x, y - 5 * pixel);
          ctx.lineTo(x, y + 5 * pixel);
          ctx.stroke();
          ctx.textAlign = x + ctx.measureText(l.label).width / 2 > bbox.left + bbox.width ? "right" : "center";
          ctx.fillText(l.label, Math.min(x, bbox.left + bbox.width), y - 5 * pixel);
        }
        ctx.restore();
      },
    },
  });

  const draw = (id, options, columns) => {
    const box = byId(id);
    plots.get(id)?.destroy();
    plots.delete(id);
    if (!columns || columns[0].length === 0) {
      box.textContent = "No data.";
      return;
    }
    box.textContent = "";
    const width = Math.max(box.clientWidth, 200);
    plots.set(id, new uPlot({ width, height: width < 600 ? 220 : 300, padding: [12, 28, 0, 0], cursor: { points: { size: 6 } }, ...options }, columns, box));
  };

  const spectrum = (op) => {
    const columns = uPlot.join([op.response, op.service].map((c) => [
      (c.percentile ?? []).map(stretch), positive(c.ms ?? []),
    ]));
    draw("spectrum", {
      scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
      axes: [axis(decades(percent), "percentile"), axis(decades(number), "ms", 62)],
      series: [
        { label: "percentile", value: (u, v) => percent(v) },
        line("response (from due)", "c1", ms, { spanGaps: true }),
        line("service (from sent)", "c5", ms, { spanGaps: true, dash: [6, 4] }),
      ],
      plugins: [limits(op.limits)],
    }, columns[0].length ? columns : null);
  };

  const time = (id, unit, columns, series, y) => draw(id, {
    scales: { x: { time: false }, y },
    axes: [axis((u, s) => s.map((v) => v + " s")), axis(y.distr === 3 ? decades(number) : plain, unit, 62)],
    series: [{ label: "at", value: (u, v) => seconds(v) }, ...series],
    plugins: [marks],
  }, columns);

  // Counts start at 0 and leave room above, also when all of them are 0.
  const fromZero = { range: (u, min, max) => [0, Math.max(max * 1.1, 1)] };

  const over = (op) => time("over", "ms",
    any(op.over.at) ? [op.over.at, ...[op.over.p50, op.over.p99, op.over.p999, op.over.max].map((v) => positive(v ?? []))] : null,
    [line("p50", "c4", ms), line("p99", "c1", ms, { width: 2.25 }), line("p99.9", "c3", ms), line("max", "c5", ms, { dash: [3, 4] })],
    { distr: 3 });

  const rest = () => {
    const t = data.throughput;
    time("throughput", "per second", any(t.at) ? [t.at, t.asked, t.done, t.errors, t.shed] : null, [
      line("asked", "c5", perSecond, { dash: [6, 4] }), line("done", "c1", perSecond),
      line("errors", "fail", perSecond), line("shed", "c2", perSecond),
    ], fromZero);
    const r = data.retries;
    time("retries", "per second", any(r.at) && r.over.some((v) => v > 0) ? [r.at, r.over] : null,
      [line("retries", "c2", perSecond, { fill: colour("c2") + "30" })], fromZero);
    if (!any(r.at) || !r.over.some((v) => v > 0)) byId("retries").textContent = "";
    const h = data.health;
    draw("health", {
      scales: { x: { time: false }, y: fromZero, count: { range: fromZero.range } },
      axes: [
        axis((u, s) => s.map((v) => v + " s")), axis(plain, "ms, % CPU", 62),
        { ...axis(plain, "waiting", 62), scale: "count", side: 1, grid: { show: false } },
      ],
      series: [
        { label: "at", value: (u, v) => seconds(v) }, line("schedule lag p99", "c1", ms),
        line("own CPU", "c4", (v) => (v == null ? "–" : number(v) + " %")),
        line("queue", "c2", number, { scale: "count", dash: [3, 4] }),
      ],
      plugins: [marks],
    }, any(h.at) ? [h.at, h.lag, h.cpu, h.queue] : null);
  };

  const picked = byId("operation");
  const latency = () => {
    const op = data.operations[Number(picked.value)] ?? data.operations[0];
    if (!op) {
      for (const id of ["spectrum", "over"]) draw(id, {}, null);
      return;
    }
    spectrum(op);
    over(op);
  };
  const all = () => { latency(); rest(); };
  picked.addEventListener("change", latency);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let width = document.body.clientWidth;
  addEventListener("resize", () => {
    if (document.body.clientWidth === width) return; // a phone's address bar comes and goes
    width = document.body.clientWidth;
    all();
  });
  all();
  document.documentElement.dataset.drawn = String(plots.size);
})();
