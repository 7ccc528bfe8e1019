#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
printf '%s asks: ' "$GREETING"
exec wget -q -O - "$BACKEND_URL"
