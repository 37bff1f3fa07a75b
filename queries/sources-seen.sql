-- title: Sources and what they deliver
-- description: For each source and audit device how many events came, of which kinds, and when the last one was. A
--   source that has gone quiet, or that brings changes but no uses, is a gap in coverage.
-- param from timestamp default now-7d: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: provider, source, device, account, region, events, uses, changes, logging_changes, first_time, last_time
SELECT provider, source, device, account, region,
       count(*) AS events,
       count(*) FILTER (WHERE category = 'use') AS uses,
       count(*) FILTER (WHERE category IN ('key', 'access')) AS changes,
       count(*) FILTER (WHERE category = 'logging') AS logging_changes,
       min(event_time) AS first_time,
       max(event_time) AS last_time
FROM events
WHERE event_time >= $from AND event_time < $until
GROUP BY provider, source, device, account, region
ORDER BY last_time, source
