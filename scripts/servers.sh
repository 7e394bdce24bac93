#!/bin/sh
# Finds the database servers that the tests and the demo start for themselves
# (internal/sandbox), and installs Debian's packages for those that are missing.
# Prints a line for each server with its path and version. Does nothing else
# when all are there. No service is started, during the installation or after.
set -eu

say() { printf '%s\n' "$*"; }
fail() {
	printf 'servers: %s\n' "$*" >&2
	exit 1
}

# first_runnable PATH...: the first argument that is a program.
first_runnable() {
	for candidate in "$@"; do
		if [ -f "$candidate" ] && [ -x "$candidate" ]; then
			say "$candidate"
			return 0
		fi
	done
	return 1
}

# The folders are those of internal/sandbox/discover.go.
find_source() {
	command -v mariadbd || command -v mysqld ||
		first_runnable /usr/sbin/mariadbd /usr/libexec/mariadbd /usr/local/sbin/mariadbd /usr/local/bin/mariadbd \
			/usr/local/mariadb/bin/mariadbd /opt/homebrew/bin/mariadbd /usr/sbin/mysqld /usr/libexec/mysqld \
			/usr/local/sbin/mysqld /usr/local/bin/mysqld /usr/local/mysql/bin/mysqld /opt/homebrew/bin/mysqld
}

find_postgres() {
	for initdb in "$(command -v initdb || true)" \
		$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -t/ -k5,5nr) \
		/usr/pgsql-*/bin/initdb /usr/local/pgsql/bin/initdb \
		/usr/local/opt/postgresql*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb; do
		if [ -x "$initdb" ] && [ -x "${initdb%initdb}postgres" ]; then
			say "${initdb%initdb}postgres"
			return 0
		fi
	done
	return 1
}

# LEAP_COCKROACH outranks PATH; a wrong value is an error, as it is for sandbox.
find_cockroach() {
	if [ -n "${LEAP_COCKROACH:-}" ]; then
		first_runnable "$LEAP_COCKROACH" || fail "LEAP_COCKROACH names no program: $LEAP_COCKROACH"
		return
	fi
	command -v cockroach || first_runnable /usr/local/bin/cockroach /opt/homebrew/bin/cockroach
}

# as_root COMMAND...: run it as root, or fail.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

policy=/usr/sbin/policy-rc.d
policy_ours=
policy_saved=

# restore_policy takes our policy away again, on every way out.
restore_policy() {
	[ -n "$policy_ours" ] || return 0
	if [ -n "$policy_saved" ]; then
		as_root mv -f "$policy_saved" "$policy"
	else
		as_root rm -f "$policy"
	fi
	policy_ours=
}

policy_mark='Written by leap scripts/servers.sh for one installation; safe to delete.'

# forbid_services makes Debian's packages leave their services alone:
# invoke-rc.d asks policy-rc.d first, and 101 means "forbidden".
forbid_services() {
	trap restore_policy EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	# One of ours is left when an earlier run was killed with -9.
	if { [ -e "$policy" ] || [ -L "$policy" ]; } && ! grep -qs "$policy_mark" "$policy"; then
		policy_saved=$policy.leap-saved
		if [ -e "$policy_saved" ]; then
			fail "$policy_saved is left from an interrupted run: move it back to $policy first"
		fi
		policy_ours=1
		as_root mv "$policy" "$policy_saved"
	fi
	policy_ours=1
	printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" |
		as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
}

install_packages() {
	command -v apt-get >/dev/null ||
		fail "missing: $*. There is no apt-get here; install MariaDB (or MySQL) and PostgreSQL with this system's package manager"
	if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
		fail "missing: $*. Run as root: apt-get install --no-install-recommends $*"
	fi
	say "servers: installing $*"
	forbid_services
	for attempt in first second; do
		if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2; then
			break
		fi
		[ "$attempt" = first ] || fail "apt-get could not install $*"
		as_root apt-get update -q >&2 # the lists may be old or missing
	done
	restore_policy
}

missing=
find_source >/dev/null || missing="mariadb-server"
find_postgres >/dev/null || missing="$missing postgresql"
if [ -n "$missing" ]; then
	# shellcheck disable=SC2086 # a list of names
	install_packages $missing
fi

source=$(find_source) || fail "mariadb-server is installed, but there is no mariadbd or mysqld"
postgres=$(find_postgres) || fail "postgresql is installed, but its programs are not where they should be"
say "source: $source ($("$source" --no-defaults --version))"
if [ -n "${LEAP_COCKROACH:-}" ] || find_cockroach >/dev/null; then
	cockroach=$(find_cockroach)
	say "target: $cockroach (CockroachDB $("$cockroach" version | sed -n 's/^Build Tag: *//p'))"
	say "target: $postgres ($("$postgres" --version)), a stand-in for CockroachDB"
else
	say "target: $postgres ($("$postgres" --version)), a stand-in for CockroachDB"
	say "no cockroach program: PostgreSQL stands in for CockroachDB. To test against the real one, put cockroach on PATH or name it in LEAP_COCKROACH."
fi
