-- title: Findings by detector
-- description: What was found, by detector and level, on how many keys and by how many callers. A detector with very
--   many findings on very many keys wants a look at its false positives.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: findings
-- columns: detector, title, level, findings, keys, callers, first_time, last_time
SELECT detector, title, level,
       count(*) AS findings,
       count(DISTINCT key_id) AS keys,
       count(DISTINCT principal) AS callers,
       min(event_time) AS first_time,
       max(event_time) AS last_time
FROM findings
WHERE event_time >= $from AND event_time < $until
GROUP BY detector, title, level
ORDER BY findings DESC, detector
