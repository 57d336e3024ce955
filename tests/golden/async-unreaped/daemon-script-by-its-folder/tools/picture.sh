#!/bin/bash
while true; do
  xdotool key Shift
  sleep 30
done
