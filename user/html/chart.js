/* Load over time, and histograms. */
const chart = (() => {
	const HEIGHT = 180, LEFT = 44, RIGHT = 12, TOP = 8, BOTTOM = 22;
	const box = $("chart"), intervals = data.intervals;
	let picked = null; /* load by interval */
	let cursor = -1, cursorLine = null, scale = null;

	const load = (i) => intervals[i][2] / (intervals[i][1] || 1);
	const pickedLoad = (i) => (picked.get(i) || 0) / (intervals[i][1] || 1);

	/* A round step that divides 0..max into some four parts. */
	function step(max) {
		const power = 10 ** Math.floor(Math.log10(max / 4));

		return [1, 2, 5, 10].map((n) => n * power).find((n) => max / n <= 5);
	}

	function scales(width) {
		const begin = intervals.length ? intervals[0][0] - intervals[0][1] / 1e6 : 0;
		const end = intervals.length ? intervals[intervals.length - 1][0] : 1;
		let max = 0.01;

		for (let i = 0; i < intervals.length; i++)
			max = Math.max(max, load(i));
		return {
			begin, end, max, width,
			x: (ms) => LEFT + (ms - begin) / (end - begin || 1) * (width - LEFT - RIGHT),
			y: (value) => TOP + (1 - value / max) * (HEIGHT - TOP - BOTTOM),
		};
	}

	/* Clocks drift: an interval that begins about when the one before ended begins just then. */
	function start(i) {
		const [end, length] = intervals[i], before = i ? intervals[i - 1][0] : -Infinity;
		const begin = end - length / 1e6;

		return begin - before < length / 1e7 ? before : begin;
	}

	/* Steps: a figure is of its whole interval. */
	function path(value) {
		let points = "";

		for (let i = 0; i < intervals.length; i++) {
			const y = scale.y(value(i)).toFixed(1), base = scale.y(0).toFixed(1);

			if (i && start(i) > intervals[i - 1][0]) /* nothing was seen meanwhile */
				points += `L${scale.x(intervals[i - 1][0]).toFixed(1)},${base}` +
					`L${scale.x(start(i)).toFixed(1)},${base}`;
			points += `${i ? "L" : "M"}${scale.x(start(i)).toFixed(1)},${y}`;
			points += `L${scale.x(intervals[i][0]).toFixed(1)},${y}`;
		}
		return points;
	}

	function series(svg, value, kind) {
		const line = path(value), base = scale.y(0);

		if (!line)
			return;
		svg.append(draw("path", { class: "area " + kind,
			d: `${line}L${scale.x(scale.end)},${base}L${scale.x(scale.begin)},${base}Z` }));
		svg.append(draw("path", { class: "line " + kind, d: line }));
	}

	function axes(svg) {
		const by = step(scale.max), marks = Math.max(2, Math.floor(scale.width / 160));

		for (let value = 0; value <= scale.max * 1.001; value += by) {
			const y = scale.y(value);

			svg.append(draw("line", { class: value ? "grid" : "axis", x1: LEFT,
				x2: scale.width - RIGHT, y1: y, y2: y }));
			svg.append(draw("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" },
				Number(value.toPrecision(3))));
		}
		for (let i = 0; i < marks; i++) {
			const ms = scale.begin + (scale.end - scale.begin) * i / (marks - 1);

			svg.append(draw("text", { x: scale.x(ms), y: HEIGHT - 6,
				"text-anchor": i ? i === marks - 1 ? "end" : "middle" : "start" },
				clock(ms)));
		}
	}

	function show() {
		const svg = draw("svg", { height: HEIGHT, role: "img",
			"aria-label": `load over ${duration(data.duration)}` });

		scale = scales(box.clientWidth || 800);
		axes(svg);
		series(svg, load, "");
		if (picked)
			series(svg, pickedLoad, "picked");
		cursorLine = draw("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM,
			visibility: "hidden" });
		svg.append(cursorLine);
		box.replaceChildren(svg);
	}

	function point(i, x, y) {
		const [end, length, , idle, losses] = intervals[i];
		const at = scale.x(end - length / 2e6);
		let text = `${clock(end)}\nload ${significant(load(i))}`;

		if (picked)
			text += `\nthis lock ${significant(pickedLoad(i))}`;
		text += `\nidle ${significant(idle / (length || 1))}`;
		if (losses)
			text += `\nlost ${count(losses)}`;
		cursor = i;
		cursorLine.setAttribute("x1", at);
		cursorLine.setAttribute("x2", at);
		cursorLine.setAttribute("visibility", "visible");
		tip.show(text, x === undefined ? box.getBoundingClientRect().left + at : x,
			y === undefined ? box.getBoundingClientRect().top + 20 : y);
	}

	function leave() {
		cursor = -1;
		if (cursorLine)
			cursorLine.setAttribute("visibility", "hidden");
		tip.hide();
	}

	box.addEventListener("pointermove", (event) => {
		const x = event.clientX - box.getBoundingClientRect().left;
		const ms = scale.begin +
			(x - LEFT) / (scale.width - LEFT - RIGHT) * (scale.end - scale.begin);
		let i = intervals.findIndex((one) => one[0] >= ms);

		if (!intervals.length)
			return;
		point(i < 0 ? intervals.length - 1 : i, event.clientX, event.clientY);
	});
	box.addEventListener("pointerleave", leave);
	box.addEventListener("blur", leave);
	box.addEventListener("keydown", (event) => {
		const moves = { ArrowLeft: cursor - 1, ArrowRight: cursor + 1, Home: 0,
			End: intervals.length - 1 };

		if (!(event.key in moves) || !intervals.length)
			return;
		event.preventDefault();
		point(Math.max(0, Math.min(moves[event.key], intervals.length - 1)));
	});

	return {
		show,
		pick(lock) {
			picked = lock ? new Map(lock.load) : null;
			$("load-of").textContent = lock ? "; in orange: " + title(lock) : "";
			show();
		},
	};
})();

/* Bars of a histogram with four buckets a doubling: [bucket, count]. marks: [ns, name]. */
function histogram(box, rows, marks) {
	const HEIGHT = 130, LEFT = 8, BOTTOM = 22, TOP = 16, edges = data.edges;
	const width = box.clientWidth || 500;
	const svg = draw("svg", { height: HEIGHT, role: "img", "aria-label": "histogram" });

	if (!rows.length) {
		box.replaceChildren(make("p", { class: "hint" }, "none ended"));
		return;
	}
	const first = rows[0][0], last = Math.max(rows[rows.length - 1][0], first + 7);
	const most = Math.max(...rows.map((row) => row[1]));
	const bar = (width - 2 * LEFT) / (last - first + 1);
	const x = (ns) => {
		let i = first;

		while (i < last && edges[i + 1] <= ns)
			i++;
		return LEFT + (i - first + (ns - edges[i]) / (edges[i + 1] - edges[i])) * bar;
	};

	for (const [bucket, n] of rows) {
		const height = Math.max(1.5, n / most * (HEIGHT - TOP - BOTTOM));

		svg.append(draw("rect", { class: "bar-mark", rx: 1.5,
			x: LEFT + (bucket - first) * bar + 0.5, width: Math.max(1, bar - 1),
			y: HEIGHT - BOTTOM - height, height },
			draw("title", {}, `${duration(edges[bucket])} to ` +
				`${duration(edges[bucket + 1])}: ${count(n)}`)));
	}
	svg.append(draw("line", { class: "axis", x1: LEFT, x2: width - LEFT,
		y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
	const every = Math.ceil((last - first + 1) / Math.max(2, Math.floor(width / 90)) / 4) * 4;

	for (let i = first; i <= last + 1; i += every)
		svg.append(draw("text", { x: LEFT + (i - first) * bar, y: HEIGHT - 6,
			"text-anchor": i === first ? "start" : i >= last ? "end" : "middle" },
			duration(edges[i])));
	for (const [ns, name] of marks) {
		const at = Math.min(x(ns), width - LEFT);

		svg.append(draw("line", { class: "quantile", x1: at, x2: at, y1: TOP,
			y2: HEIGHT - BOTTOM }));
		svg.append(draw("text", { x: at, y: TOP - 4,
			"text-anchor": at > width - 60 ? "end" : "middle" }, name));
	}
	box.replaceChildren(svg);
}
