-- A session that went on after a silence, or at another node, has a line for each time it was closed, which tells what
-- that node knew of it until then: the one that saw most is nearest to the whole.
create view whole_sessions as
select distinct on (session_id) * from sessions order by session_id, events desc, ended_at desc;
