-- title: Late events
-- description: How long events took from their own time to keyward, by source and day, and how many of them came
--   later than the given number of minutes. Files that were read long after the fact count as late as well.
-- param minutes integer default 15: later than this counts as late
-- param from timestamp default now-7d: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: day, provider, source, events, late, longest_minutes, declared_late
SELECT date_trunc('day', event_time) AS day, provider, source,
       count(*) AS events,
       count(*) FILTER (WHERE to_unixtime(ingested_at) - to_unixtime(event_time) > $minutes * 60) AS late,
       max(to_unixtime(ingested_at) - to_unixtime(event_time)) / 60 AS longest_minutes,
       count(addendum) AS declared_late
FROM events
WHERE event_time >= $from AND event_time < $until
GROUP BY date_trunc('day', event_time), provider, source
ORDER BY day DESC, late DESC, source
