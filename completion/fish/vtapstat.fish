# SPDX-License-Identifier: BSD-2-Clause
set -l collector client name encap vni packets bytes packets/s bits/s last-seen
set -l client interface direction method collector state packets bytes packets/s bits/s dropped repairs
complete -c vtapstat -f
complete -c vtapstat -n 'not __fish_seen_subcommand_from client collector' -a 'client collector'
complete -c vtapstat -s j -l json -d "Print the daemon's answer as it is"
complete -c vtapstat -s w -l watch -d 'Again and again, with rates'
complete -c vtapstat -l sort -x -a "$collector $client" -d 'Order of the clients or mirrors'
complete -c vtapstat -s s -l socket -r -F -d 'Ask at this socket'
complete -c vtapstat -s V -l version -d 'Print the version'
complete -c vtapstat -s h -l help -d 'Print a summary of the options'
