# Watchdog of one sandbox server: sh -c THIS leap-sandbox-watchdog DIR SIGNAL
#
# Standard input is a pipe whose other end only the owner holds. Each line
# names the process group to watch, an empty line none. When the owner is gone,
# however it went, the pipe ends: kill the group, then remove the folder.
dir=$1 signal=$2 group=
while read -r line; do group=$line; done
if [ -n "$group" ]; then
	kill -s "$signal" -- "-$group"
	# A dead process that nobody has reaped yet still counts as alive, so the
	# wait ends after a few seconds in any case.
	tries=0
	while kill -s 0 -- "-$group" && [ "$tries" -lt 100 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
	kill -s KILL -- "-$group"
fi
rm -rf -- "$dir" || { sleep 1; rm -rf -- "$dir"; }
