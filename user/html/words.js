/* The data, and figures in words. */
const data = JSON.parse(document.getElementById("data").textContent);
const seconds = data.duration / 1e9 || 1;

const $ = (id) => document.getElementById(id);

/* An element; what is not a node becomes text, so no name is ever read as markup. */
function make(tag, attributes, ...children) {
	const element = document.createElement(tag);

	for (const [key, value] of Object.entries(attributes || {}))
		if (value !== null && value !== undefined && value !== false)
			element.setAttribute(key, value);
	element.append(...children);
	return element;
}

function draw(tag, attributes, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);

	for (const [key, value] of Object.entries(attributes || {}))
		element.setAttribute(key, value);
	element.append(...children);
	return element;
}

const UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

function duration(ns) {
	if (ns >= 3600e9)
		return (ns / 3600e9).toFixed(1) + " h";
	if (ns >= 60e9)
		return (ns / 60e9).toFixed(1) + " min";
	for (const [unit, name] of UNITS)
		if (ns >= unit)
			return significant(ns / unit) + " " + name;
	return "0";
}

function significant(n) {
	return n >= 99.95 ? n.toFixed(0) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2);
}

function count(n) {
	if (n >= 1e9)
		return significant(n / 1e9) + "G";
	if (n >= 1e6)
		return significant(n / 1e6) + "M";
	return n >= 1e4 ? significant(n / 1e3) + "k" : n % 1 ? significant(n) : String(n);
}

function percent(share) {
	return share > 0 && share < 0.01 ? "<1 %" : Math.round(share * 100) + " %";
}

function clock(ms) {
	return new Date(ms).toLocaleTimeString([], { hour12: false });
}

/* What a lock is called: its name, or where it is used, or where it lies. */
function title(lock) {
	return lock.name || (lock.where ? "in " + lock.where : lock.address);
}

const key = (lock) => lock.pid + ":" + lock.address + ":" + lock.kind;

const tip = {
	show(text, x, y) {
		const box = $("tip");

		box.textContent = text;
		box.hidden = false;
		box.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.offsetWidth - 8)) + "px";
		box.style.top = (y + box.offsetHeight + 24 > innerHeight ? y - box.offsetHeight - 10
									 : y + 16) + "px";
	},
	hide() {
		$("tip").hidden = true;
	},
};
