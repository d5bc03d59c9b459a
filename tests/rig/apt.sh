# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For scripts that fetch Debian packages without installing them, sourced. Invariant: the system's
# sources and its apt state stay untouched. The script sets top and defines die() first.

apt_state=$top/build/kernels/.apt
apt_options=()

apt_query() {
	apt-cache "${apt_options[@]}" "$@"
}

# True when every package named has a version to download, not only a name.
has_candidate() {
	[ "$(apt_query policy "$@" | grep -c '^  Candidate: [^(]')" = $# ]
}

# Asks the backports suite of the Debian mirror that the system itself uses, with lists and
# caches of our own: the system's sources and its apt state stay untouched.
use_backports() {
	local codename mirror keyring

	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' |
		awk -v c="$codename" '$2 == c && $3 == "main" && !found++ { print $1 }')
	[ -n "$mirror" ] || die "no Debian mirror with the suite '$codename' among the apt sources"
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$keyring" ] || die "$keyring is missing (package debian-archive-keyring)"

	mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial" "$apt_state/parts"
	echo "deb [signed-by=$keyring] $mirror $codename-backports main" >"$apt_state/sources.list"
	apt_options=(
		-o "Dir::Etc::SourceList=$apt_state/sources.list"
		-o "Dir::Etc::SourceParts=$apt_state/parts"
		-o "Dir::Etc::Preferences=/dev/null"
		-o "Dir::Etc::PreferencesParts=$apt_state/parts"
		-o "Dir::State::Lists=$apt_state/lists" -o "Dir::Cache=$apt_state/cache"
		-o "APT::Sandbox::User=root" -o "Acquire::Languages=none"
	)
	apt-get "${apt_options[@]}" update -qq >&2 || die "cannot read $codename-backports"
}

# Fetches packages into a directory, from the suite in use.
apt_download() {
	local dir=$1 log

	shift
	log=$(cd "$dir" && apt-get "${apt_options[@]}" -o APT::Sandbox::User=root -q download "$@" 2>&1) || {
		echo "$log" >&2
		die "cannot fetch $*"
	}
}
