#!/bin/sh
while true; do
  approve && break
  sleep 5
done
