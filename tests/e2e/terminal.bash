# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154 # names of helper.bash
# A terminal of its own for a test: keys in, screens out. To be loaded after helper.bash.

setup() {
	test_files
	socket=locktop-test-$$-$BATS_TEST_NUMBER
	work=$BATS_TEST_TMPDIR
	cd "$work" || return
}

teardown() {
	end_terminal
}

end_terminal() {
	screen || true # shown with a test that failed
	stop_started
	tmux -L "$socket" kill-server 2>/dev/null || true
}

tm() {
	tmux -L "$socket" "$@"
}

screen() {
	tm capture-pane -p -t t
}

shows() {
	screen | grep -qF -- "$1"
}

hides() {
	! shows "$1"
}

matches() {
	screen | grep -qE -- "$1"
}

keys() {
	tm send-keys -t t "$@"
}

# figure FORMAT: what the terminal says of itself.
figure() {
	tm display-message -p -t t "#{$1}"
}

# terminal COLUMNS ROWS: a shell in a terminal.
terminal() {
	tm -f /dev/null new-session -d -s t -x "$1" -y "$2" \
		env PS1='ready> ' LC_ALL=C.UTF-8 bash --norc --noprofile 3>&-
	wait_for 5 shows 'ready>'
	tm resize-window -t t -x "$1" -y "$2"
}

# live COLUMNS ROWS ARG...: locktop in that shell.
live() {
	terminal "$1" "$2"
	keys "stty -g >before; clear; '$LOCKTOP' ${*:3}; echo status=\$?; stty -g >after" Enter
}

# restored STATUS: the shell is back, and the terminal as it was.
restored() {
	wait_for 10 shows "status=$1"
	wait_for 5 test -s after
	cmp before after
	[ "$(figure alternate_on)" = 0 ]
	[ "$(figure cursor_flag)" = 1 ]
}

# choose FORMAT: in the menu of key E, which the terminal has room for.
choose() {
	local row

	keys E
	wait_for 5 shows 'EXPORT AS'
	row=$(screen | sed -n '/^EXPORT AS/,$p' | sed 1d | grep -n "^$1 " | cut -d: -f1)
	keys Home
	while ((--row)); do
		keys Down
	done
	keys Enter
}
