-- title: How soon somebody looks at alerts, and how soon they are resolved
-- description: By level, the mean and the median of the time from the opening of an alert to its acknowledgement and to its
--   resolution, of alerts opened in a period. Alerts that a campaign or a digest speaks for are left out.
-- param from timestamp default now-30d: the first moment of an opening
-- param until timestamp default now: the moment after the last
-- reads: alerts
-- columns: level, alerts, acknowledged, resolved, mean_minutes_to_acknowledge, median_minutes_to_acknowledge, mean_minutes_to_resolve
SELECT level,
       count(*) AS alerts,
       count(acknowledged_at) AS acknowledged,
       count(resolved_at) AS resolved,
       round(avg(acknowledged_after) / 60, 1) AS mean_minutes_to_acknowledge,
       round(median(acknowledged_after) / 60, 1) AS median_minutes_to_acknowledge,
       round(avg(resolved_after) / 60, 1) AS mean_minutes_to_resolve
FROM (SELECT level, acknowledged_at, resolved_at,
             CAST(date_part('epoch', acknowledged_at) - date_part('epoch', opened_at) AS DOUBLE) AS acknowledged_after,
             CAST(date_part('epoch', resolved_at) - date_part('epoch', opened_at) AS DOUBLE) AS resolved_after
      FROM alerts
      WHERE folded_into IS NULL
        AND opened_at >= $from AND opened_at < $until)
GROUP BY level
ORDER BY alerts DESC, level
