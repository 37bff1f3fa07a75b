-- title: Findings about one key
-- description: Everything that was found about one key, newest first, in the words of the alert.
-- param key text required: the key's canonical name
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: findings
-- columns: event_time, level, detector, title, principal, function, outcome, message, event_id
SELECT event_time, level, detector, title, principal, function, outcome, message, event_id
FROM findings
WHERE key_id = $key
  AND event_time >= $from AND event_time < $until
ORDER BY event_time DESC, detector
