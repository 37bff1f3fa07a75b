-- title: What could not be judged, and why
-- description: Uses whose verdict is unknown, by reason and by the aspects that the log hides. Each row is a blind
--   spot of a source: a hashed field to be tuned, a missing key, an ambiguous declaration.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: provider, service, reason, hidden_aspects, keys, uses, last_time
SELECT provider, service, reason,
       array_to_string(unknowns, ', ') AS hidden_aspects,
       count(DISTINCT key_id) AS keys,
       count(*) AS uses,
       max(event_time) AS last_time
FROM events
WHERE verdict = 'unknown'
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY provider, service, reason, array_to_string(unknowns, ', ')
ORDER BY uses DESC, reason
