/* Head, table and details; what is picked in the table is what the charts show. */
const exact = data.locks.some((lock) => lock.acquisitions !== undefined);
const anyIdle = data.locks.some((lock) => lock.class === "idle");
const perSecond = (n) => n / seconds;

function idle() {
	return $("idle").checked;
}

const COLUMNS = [
	{ name: "Process", text: true, value: (l) => `${l.process || "?"} ${l.pid}` },
	{ name: "Lock", text: true, class: "name", value: title },
	{ name: "Kind", text: true, value: (l) => l.kind },
	{ name: "Load", value: (l) => perSecond(l.wait) / 1e9, show: (n) => n ? significant(n) : "0",
		help: "mean number of threads waiting" },
	{ name: "Share", class: "share", value: (l) => data.wait ? l.wait / data.wait : 0,
		show: percent, bar: true, help: "of all waits that are not idle", skip: (l) =>
		l.class === "idle" },
	{ name: "Sleeps/s", value: (l) => perSecond(l.sleeps), show: (n) => count(round(n)) },
	{ name: "p50", value: (l) => l.hist.length ? l.p50 : undefined, show: duration },
	{ name: "p99", value: (l) => l.hist.length ? l.p99 : undefined, show: duration },
	{ name: "Max", value: (l) => l.max, show: duration },
	{ name: "Waiting", value: (l) => l.waiting, show: count, help: "threads, at the end" },
	{ name: "Acquired/s", exact: true, value: (l) => l.acquisitions === undefined ? undefined
		: perSecond(l.acquisitions), show: (n) => count(round(n)) },
	{ name: "Contended", exact: true, value: (l) => l.acquisitions
		? l.contended / l.acquisitions : undefined, show: percent },
	{ name: "Held", exact: true, value: (l) => l.hold === undefined ? undefined
		: perSecond(l.hold) / 1e9, show: percent, help: "share of the time" },
].filter((column) => exact || !column.exact);

function round(n) {
	return n >= 10 ? Math.round(n) : Math.round(n * 10) / 10;
}

let sortBy = COLUMNS.findIndex((column) => column.name === "Load"), down = true, picked = null;

function filtered() {
	const text = $("filter").value.trim().toLowerCase();

	return data.locks.filter((lock) => (idle() || lock.class !== "idle" || lock.deadlocked) &&
		(!text || `${lock.process} ${lock.pid} ${title(lock)} ${lock.where} ${lock.kind} ${lock.address}`
			.toLowerCase().includes(text)));
}

/* Unknown comes last, in either direction. */
function compare(a, b) {
	const { value } = COLUMNS[sortBy], x = value(a), y = value(b);

	if (x === undefined || y === undefined)
		return (x === undefined) - (y === undefined);
	const order = typeof x === "string" ? x.localeCompare(y) : x - y;

	return down ? -order : order;
}

function heads() {
	const row = make("tr");

	COLUMNS.forEach((column, i) => {
		const arrow = i === sortBy ? down ? " ▼" : " ▲" : "";
		const button = make("button", { type: "button", title: column.help }, column.name + arrow);

		button.addEventListener("click", () => {
			down = i === sortBy ? !down : !column.text;
			sortBy = i;
			table();
			$("locks").querySelectorAll("th button")[i].focus();
		});
		row.append(make("th", { scope: "col", class: column.text ? "text" : null,
			"aria-sort": i === sortBy ? down ? "descending" : "ascending" : null }, button));
	});
	return row;
}

function cell(column, lock) {
	const value = column.skip && column.skip(lock) ? undefined : column.value(lock);
	const text = value === undefined ? "–" : column.show ? column.show(value) : value;
	const td = make("td", { class: [column.text ? "text" : "", column.class || ""].join(" ").trim() ||
		null, title: column.class === "name" ? text : null });

	if (column.bar && value) {
		const bar = make("i");

		bar.style.width = Math.max(1, value * 36) + "px";
		td.append(bar);
	}
	td.append(text);
	return td;
}

function line(lock) {
	const row = make("tr", { tabindex: 0, "aria-selected": lock === picked ? "true" : "false",
		class: lock.deadlocked ? "dead" : null }, ...COLUMNS.map((column) => cell(column, lock)));

	row.lock = lock;
	return row;
}

function table() {
	const rows = filtered().sort(compare);

	$("locks").tHead.replaceChildren(heads());
	$("locks").tBodies[0].replaceChildren(...rows.map(line));
	$("count").textContent = rows.length === 1 ? "1 lock" : `${rows.length} locks`;
}

/* ---- one lock ---- */

function facts(lock) {
	const rows = [
		["process", `${lock.process || "?"} ${lock.pid}`],
		["kind", `${lock.kind}, ${lock.class}`],
		["address", lock.address],
		["used in", lock.where],
		["load", significant(perSecond(lock.wait) / 1e9)],
		["wait", `${duration(lock.wait)} in ${count(lock.sleeps)} sleeps`],
		["blocked", `${duration(lock.blocked)}, until woken`],
		["delay", `${duration(lock.delay)}, until running again`],
		["timeouts", lock.timeouts ? count(lock.timeouts) : null],
		["waiting", lock.waiting ? `${lock.waiting}, for ${duration(lock.oldest)} at most` : null],
		["owner", lock.owner],
	];

	if (lock.acquisitions !== undefined)
		rows.push(["acquired", `${count(lock.acquisitions)}, of them ${count(lock.contended)} not free`],
			["failed tries", lock.try_failures ? count(lock.try_failures) : null]);
	if (lock.hold !== undefined)
		rows.push(["held", `${duration(lock.hold)}, ${duration(lock.max_hold)} at most`]);
	if (lock.switches !== undefined)
		rows.push(["switches", `${count(lock.switches)}, of them ${count(lock.forced_switches)} forced`]);
	return rows.filter((row) => row[1]).flatMap(([name, value]) =>
		[make("dt", {}, name), make("dd", {}, value)]);
}

function detail() {
	const lock = picked;

	$("detail").hidden = !lock;
	if (!lock)
		return;
	$("detail-title").textContent = title(lock);
	$("facts").replaceChildren(...facts(lock));
	histogram($("histogram"), lock.hist, lock.hist.length ? [[lock.p50, "p50"], [lock.p99, "p99"]] : []);
	$("hold-part").hidden = !lock.hold_hist || !lock.hold_hist.length;
	if (!$("hold-part").hidden)
		histogram($("hold-histogram"), lock.hold_hist, []);
	$("verdicts").replaceChildren(...lock.verdicts.map(([name, evidence, advice]) =>
		make("li", {}, make("strong", {}, name), evidence ? ": " + evidence : "",
			advice ? make("span", {}, "; " + advice) : "")));
}

function pick(lock) {
	picked = lock;
	for (const row of $("locks").tBodies[0].rows)
		row.setAttribute("aria-selected", row.lock === lock ? "true" : "false");
	detail();
	chart.pick(lock);
	flame.pick(lock);
}

/* ---- the page ---- */

function head() {
	const load = (ns) => significant(perSecond(ns) / 1e9);
	const lost = data.losses.reduce((sum, loss) => sum + loss[1], 0);
	const tiles = [
		["load: threads waiting, mean", load(data.wait)],
		["wait", duration(data.wait)],
		["sleeps a second", count(round(perSecond(data.sleeps)))],
		["waiting at the end", count(data.waiting)],
		["idle load", load(data.idle_wait)],
		["locks", count(data.locks.length + data.left_out)],
	];
	const when = new Date(data.begin);

	document.title = `locktop: ${data.host || ""} ${when.toLocaleString()}`;
	$("subject").textContent = `${data.host || "?"}, Linux ${data.kernel || "?"}, ` +
		`${when.toLocaleString()}, ${duration(data.duration)}, ${data.tier} tier`;
	$("tiles").append(...tiles.map(([name, value]) =>
		make("div", {}, make("dt", {}, name), make("dd", {}, value))));
	if (lost)
		$("tiles").append(make("div", { class: "lost",
			title: data.losses.map((loss) => `${loss[0]} ${loss[1]}: ${loss[2]}`).join("\n") },
			make("dt", {}, "not counted"), make("dd", {}, count(lost))));
	$("alarm").hidden = !data.deadlocks.length;
	$("deadlocks").textContent = data.deadlocks.join("\n");
	$("left-out").textContent = data.left_out
		? `${data.left_out} more locks are not listed (--top 0 lists all)` : "";
	$("idle-label").hidden = !anyIdle;
	$("foot").textContent = `locktop ${data.version || ""}; it took ` +
		`${(data.self_cpu / data.duration * 100).toFixed(1)} % of one CPU and ` +
		`${(data.self_rss / 1048576).toFixed(0)} MB itself.` +
		(lost ? " Not counted: " + data.losses.map((loss) => `${loss[0]} ${loss[1]}`).join(", ") + "." : "");
}

const THEMES = ["auto", "light", "dark"];

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function setTheme(theme) {
	document.documentElement.setAttribute("data-theme",
		theme === "auto" ? systemIsDark.matches ? "dark" : "light" : theme);
	$("theme").textContent = "Theme: " + theme;
	$("theme").value = theme;
}

function redraw() {
	chart.show();
	flame.show();
	detail();
}

$("theme").addEventListener("click", () =>
	setTheme(THEMES[(THEMES.indexOf($("theme").value) + 1) % THEMES.length]));
systemIsDark.addEventListener("change", () => setTheme($("theme").value));
$("filter").addEventListener("input", table);
$("idle").addEventListener("change", () => {
	table();
	flame.rebuild();
});
$("close").addEventListener("click", () => pick(null));
$("locks").tBodies[0].addEventListener("click", (event) => {
	const row = event.target.closest("tr");

	pick(row.lock === picked ? null : row.lock);
});
$("locks").tBodies[0].addEventListener("keydown", (event) => {
	const row = event.target.closest("tr");
	const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];

	if (event.key === "Enter" || event.key === " ")
		pick(row.lock === picked ? null : row.lock);
	else if (next)
		next.focus();
	else
		return;
	event.preventDefault();
});
document.addEventListener("keydown", (event) => {
	if (event.key === "Escape" && picked)
		pick(null);
});

/* #theme=dark and #lock=N choose what is shown first. */
const asked = new URLSearchParams(location.hash.slice(1));

setTheme(THEMES.includes(asked.get("theme")) ? asked.get("theme") : "auto");
head();
table();
pick(data.locks[asked.get("lock")] || null);
let width = innerWidth;

addEventListener("resize", () => {
	if (innerWidth !== width)
		redraw();
	width = innerWidth;
});
