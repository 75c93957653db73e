#!/bin/sh
# A pipeline for mapping and routing files in Polaris's config center, for any CI: each
# stage can stop it, and what it has published it takes back.
#
#   publish.sh DIRECTORY
#
# DIRECTORY has *.yaml and *.csv (names without blanks), each published as $GROUP/NAME, and cases/*.yaml for
# setctl test. Evacuations are not in Git: evacuate.yaml is left alone.
#
# From the environment:
#   SETROUTER_SERVER, SETROUTER_TOKEN   the set-admin listener of a server node
#   SETROUTER_POLARIS_TOKEN             of a Polaris user who may change the group
#   GROUP     polaris://Polaris/setrouter
#   RELEASE   the name of the release, as the commit: another one for each run
#   GRAY      addresses of the server nodes that have the change first; empty: none
#   WATCH     how many seconds to watch after each step (60)
#   OTHERS    routing files in force that are not in DIRECTORY ($GROUP/evacuate.yaml)
#   FAIL_ON, DRILL_EACH (empty: no drill), DRILL_FAIL_ON   see setctl plan --help, setctl drill --help
#   SETCTL    setctl
#
# With STOP_AFTER=plan or =drill nothing is published: for merge requests, by the readToken.
set -eu

dir=${1:?expected the directory with the files}
setctl=${SETCTL:-setctl}
group=${GROUP:-polaris://Polaris/setrouter}
release=${RELEASE:?expected the name of the release, as the commit}
others=${OTHERS-$group/evacuate.yaml}
gray=${GRAY:-}
watch=${WATCH:-60}
fail_on=${FAIL_ON-empty,unusable,cross-region,refused,evacuations-end}
drill_each=${DRILL_EACH-zone}
drill_fail_on=${DRILL_FAIL_ON-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=

begin() {
	stage=$1
	echo "== $stage"
}

stop() {
	echo "== STOPPED at $stage: $*" >&2
	exit 1
}

# names prints the names of the files, mapping files first: rules can need their places.
names() {
	for file in "$dir"/*.csv "$dir"/*mapping*.yaml "$dir"/*.yaml; do
		name=${file##*/}
		if [ -f "$file" ] && [ "$name" != evacuate.yaml ] && ! grep -qxF "$name" "$work/names" 2>/dev/null; then
			echo "$name" >>"$work/names"
			echo "$name"
		fi
	done
}

# list prints the files of a kind with a comma between two.
list() {
	kind=$1
	out=
	for name in $files; do
		case $name in *.csv) is=mapping ;; *) is=routing; grep -qE '^(mappings|topology|default):' "$dir/$name" && is=mapping ;; esac
		[ "$is" = "$kind" ] && out="$out${out:+,}$dir/$name"
	done
	echo "$out"
}

# publish publishes the files that have changed, with further flags for setctl. It notes
# which ones it has published in a list.
publish() {
	done_list=$1
	shift
	for name in $files; do
		code=0
		"$setctl" publish "$dir/$name" --to "$group/$name" --if-changed --message "$release" "$@" >"$work/out" 2>&1 || code=$?
		cat "$work/out"
		if grep -q '^published ' "$work/out"; then
			echo "$name" >>"$work/$done_list"
		fi
		[ "$code" = 0 ] || return 1
	done
}

# watch looks at the status until it is over. It fails when somebody has nothing, when a
# node refuses its files, and when nodes disagree.
watch() {
	end=$(($(date +%s) + watch))
	while :; do
		if ! "$setctl" status >"$work/out" 2>&1; then
			cat "$work/out"
			return 1
		fi
		[ "$(date +%s)" -lt "$end" ] || break
		sleep 1
	done
	head -n 1 "$work/out"
}

# end_gray ends the gray releases of this run.
end_gray() {
	[ -f "$work/gray" ] || return 0
	while read -r name; do
		"$setctl" publish --to "$group/$name" --stop-gray || echo "== NOT ENDED: the gray release of $group/$name" >&2
	done <"$work/gray"
	rm -f "$work/gray"
}

# roll_back puts what was in force before this run in force again, the last file first.
roll_back() {
	[ -f "$work/full" ] || return 0
	sed -n '1!G;h;$p' "$work/full" | while read -r name; do
		"$setctl" rollback "$group/$name" || echo "== NOT ROLLED BACK: $group/$name" >&2
	done
}

files=$(names)
[ -n "$files" ] || { stage=check; stop "there is no file in $dir"; }
mapping=$(list mapping)
routing=$(list routing)

candidates=
[ -z "$mapping" ] || candidates="--mapping $mapping"
[ -z "$routing" ] || candidates="$candidates --routing $routing${others:+,$others}"

begin check
# shellcheck disable=SC2046 # names have no blanks
"$setctl" check $(echo "$mapping,$routing" | tr , ' ') || stop "see above"

begin test
for case in "$dir"/cases/*.yaml; do
	if [ -f "$case" ]; then
		"$setctl" test "$case" || stop "see above"
	fi
done

begin plan
# shellcheck disable=SC2086
"$setctl" plan $candidates ${fail_on:+--fail-on "$fail_on"} || stop "there are changes of $fail_on"
[ "${STOP_AFTER:-}" != plan ] || exit 0

if [ -n "$drill_each" ]; then
	begin drill
	# shellcheck disable=SC2086
	"$setctl" drill --each "$drill_each" $candidates ${drill_fail_on:+--fail-on "$drill_fail_on"} || stop "too much would be lost with a $drill_each"
fi
[ "${STOP_AFTER:-}" != drill ] || exit 0

begin before
"$setctl" status >"$work/out" 2>&1 || { cat "$work/out"; stop "something is wrong already; nothing was published"; }
if [ "$watch" != 0 ] && head -n 1 "$work/out" | grep -q 'of this node alone'; then
	stop "the status has the callers of one node alone, so that nobody would see what happens on the others: give set-admin a token, the same on every node, or set WATCH=0"
fi

if [ -n "$gray" ]; then
	begin gray
	flags=
	for address in $gray; do
		flags="$flags --gray $address"
	done
	# shellcheck disable=SC2086
	if ! publish gray --release "$release-gray" $flags || ! watch; then
		end_gray
		stop "the gray releases are ended, every node has what it had"
	fi
fi

begin all
if ! publish full --release "$release" --stop-gray || ! watch; then
	end_gray
	roll_back
	stop "every node has what it had"
fi
echo "== DONE: $release"
