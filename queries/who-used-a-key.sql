-- title: Who used this key
-- description: The callers of one key with what they did, how often, and between which moments. Callers that the
--   entry does not name stand out by their violations.
-- param key text required: the key's canonical name
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: principal, caller_kind, function, via, uses, blocked, violations, first_use, last_use
SELECT principal, caller_kind, function, via,
       count(*) AS uses,
       count(*) FILTER (WHERE outcome IN ('denied', 'refused')) AS blocked,
       count(*) FILTER (WHERE verdict = 'violation') AS violations,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE key_id = $key
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY principal, caller_kind, function, via
ORDER BY uses DESC, principal
