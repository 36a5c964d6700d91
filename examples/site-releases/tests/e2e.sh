#!/bin/sh
# What users get at $SITE_URL: the page of this commit, and the script that it names. A real one drives a browser.
set -eu
page=$(curl -fsS "${SITE_URL%/}/")
case "$page" in
  *"content=\"$COMMIT\""*) ;;
  *) echo "the page is not that of $COMMIT" >&2; exit 1 ;;
esac
script=$(printf '%s' "$page" | sed -n 's/.*src="\([^"]*\)".*/\1/p')
curl -fsS "${SITE_URL%/}$script" | grep -q Welcome
