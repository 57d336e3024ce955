#!/bin/sh
while true; do
  approve
  sleep 5
done
