#!/bin/bash
ping 192.0.2.1 > /tmp/ping.log &
probe=$!
/opt/load
kill $probe
