/* Stacks as a graph that hangs down: callers above, the lock that was waited for at the end. */
const flame = (() => {
	const ROW = 21, THINNEST = 1.5; /* pixels */
	const box = $("flame");
	const locks = new Map(data.locks.map((lock) => [key(lock), lock]));
	let role = "waiters", only = null, search = "";
	let root = null, zoomed = null, focused = null, cells = new Map();

	const node = (name, kind, parent) => ({ name, kind, parent, wait: 0, sleeps: 0, frame: null,
		children: new Map(), depth: parent ? parent.depth + 1 : 0 });

	function child(parent, name, kind, frame) {
		const id = kind + "\n" + name + "\n" + (frame ? frame[3] : "");
		let found = parent.children.get(id);

		if (!found) {
			found = node(name, kind, parent);
			found.frame = frame;
			parent.children.set(id, found);
		}
		return found;
	}

	/* What a frame is, for its colour. */
	function kindOf(frame) {
		const [name, file, , module] = frame;

		if (!module && name.startsWith("["))
			return "none";
		if (!module && (file || "").match(/\.py$|^</))
			return "python";
		if ((module || "").match(/\/(ld|libc|libpthread|libm|libstdc\+\+|libgcc_s)[-.][^/]*$/))
			return "library";
		let sum = 0;

		for (const c of module || "")
			sum += c.charCodeAt(0);
		return "code-" + sum % 3;
	}

	function build() {
		const { frames, stacks } = data[role];

		root = node("all", "none", null);
		for (const [of, wait, sleeps, path] of stacks) {
			const lock = locks.get(of);

			if (!wait || (only ? lock !== only : lock && lock.class === "idle" && !idle()))
				continue;
			const process = lock ? `${lock.process || "?"} ${lock.pid}` : "other processes";
			const steps = [child(root, process, "process", null)];
			const last = () => steps[steps.length - 1];

			for (let i = path.length - 1; i >= 0; i--) {
				const frame = frames[path[i]];

				steps.push(child(last(), frame[0], kindOf(frame), frame));
			}
			steps.push(child(last(), lock ? title(lock) : "other locks", "lock", null));
			for (const step of [root, ...steps]) {
				step.wait += wait;
				step.sleeps += sleeps;
			}
		}
		zoomed = focused = root;
	}

	const sorted = (parent) => [...parent.children.values()].sort((a, b) => b.wait - a.wait);
	const matches = (one) => search && one.name.toLowerCase().includes(search);

	function place(one, left, width, deepest) {
		const cell = make("div", { class: `cell ${one.kind}`, role: "treeitem", tabindex: -1,
			"aria-label": words(one) });

		if (width > 14)
			cell.textContent = one.name;
		else
			cell.classList.add("thin");
		if (matches(one))
			cell.classList.add("found");
		if (one.depth < zoomed.depth)
			cell.classList.add("above");
		cell.style.left = left + "px";
		cell.style.width = Math.max(width, 1) + "px";
		cell.style.top = one.depth * ROW + "px";
		cell.node = one;
		cells.set(one, cell);
		box.append(cell);
		return Math.max(deepest, one.depth);
	}

	/* Each node's part of its parent's width; what is too narrow to be seen is left out. */
	function below(one, left, width) {
		let deepest = place(one, left, width, 0), at = left;

		for (const next of sorted(one)) {
			const part = width * next.wait / one.wait;

			if (part < THINNEST)
				break;
			deepest = Math.max(deepest, below(next, at, part));
			at += part;
		}
		return deepest;
	}

	function show() {
		const width = box.clientWidth || 800, had = box.contains(document.activeElement);
		let deepest = 0;

		cells = new Map();
		box.replaceChildren();
		if (!root.wait) {
			box.append(make("p", { class: "hint" }, "nobody waited"));
			box.style.height = ROW + "px";
			return;
		}
		for (let up = zoomed.parent; up; up = up.parent)
			deepest = place(up, 0, width, deepest);
		deepest = Math.max(deepest, below(zoomed, 0, width));
		box.style.height = (deepest + 1) * ROW + "px";
		focus(cells.has(focused) ? focused : zoomed, had);
		$("found").textContent = search ? told() : "";
	}

	/* How much of all waits goes through what was searched. */
	function told() {
		let wait = 0;
		const walk = (one) => {
			if (matches(one))
				wait += one.wait;
			else
				one.children.forEach(walk);
		};

		walk(root);
		return wait ? `found in ${percent(wait / root.wait)} of the time` : "not found";
	}

	function words(one) {
		let text = `${one.name}: ${duration(one.wait)}, ${percent(one.wait / root.wait)}`;

		if (one.sleeps)
			text += `, ${count(one.sleeps)} waits`;
		if (one.frame && one.frame[1])
			text += `\n${one.frame[1]}${one.frame[2] ? ":" + one.frame[2] : ""}`;
		if (one.frame && one.frame[3])
			text += `\n${one.frame[3]}`;
		return text;
	}

	function focus(one, really) {
		const old = cells.get(focused), cell = cells.get(one);

		if (old)
			old.tabIndex = -1;
		if (!cell)
			return;
		focused = one;
		cell.tabIndex = 0;
		if (really) {
			cell.focus();
			$("frame").textContent = words(one);
		}
	}

	function zoom(one) {
		zoomed = focused = one;
		show();
		focus(one, true);
	}

	/* The sibling to the left or right, as they are drawn. */
	function beside(one, by) {
		const row = one.parent ? sorted(one.parent).filter((next) => cells.has(next)) : [one];

		return row[row.indexOf(one) + by] || one;
	}

	function key_down(event) {
		const one = focused;
		const moves = {
			ArrowDown: () => focus(sorted(one).find((next) => cells.has(next)) || one, true),
			ArrowUp: () => focus(one.parent || one, true),
			ArrowLeft: () => focus(beside(one, -1), true),
			ArrowRight: () => focus(beside(one, 1), true),
			Home: () => focus(root, true),
			Enter: () => zoom(one),
			" ": () => zoom(one),
			Backspace: () => zoom(zoomed.parent || root),
			Escape: () => zoom(zoomed.parent || root),
		};

		if (!moves[event.key] || (event.key === "Escape" && zoomed === root))
			return;
		event.preventDefault();
		event.stopPropagation();
		moves[event.key]();
	}

	const nodeAt = (event) => event.target.closest(".cell") && event.target.closest(".cell").node;

	box.addEventListener("keydown", key_down);
	box.addEventListener("click", (event) => {
		const one = nodeAt(event);

		if (one)
			zoom(one);
	});
	box.addEventListener("pointermove", (event) => {
		const one = nodeAt(event);

		if (one)
			tip.show(words(one), event.clientX, event.clientY);
		else
			tip.hide();
	});
	box.addEventListener("pointerleave", tip.hide);
	$("whole").addEventListener("click", () => zoom(root));
	$("search").addEventListener("input", (event) => {
		search = event.target.value.trim().toLowerCase();
		show();
	});
	for (const radio of document.querySelectorAll("input[name=role]"))
		radio.addEventListener("change", () => {
			role = radio.value;
			build();
			show();
		});

	return {
		show,
		rebuild() {
			build();
			show();
		},
		pick(lock) {
			only = lock;
			$("flame-of").textContent = lock ? " of " + title(lock) : "";
			build();
			show();
		},
	};
})();
