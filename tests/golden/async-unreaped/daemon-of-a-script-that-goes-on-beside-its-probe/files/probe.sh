#!/bin/bash
ping 192.0.2.1 > /tmp/ping.log &
while true; do
  date >> /tmp/times.log
  sleep 5
done
