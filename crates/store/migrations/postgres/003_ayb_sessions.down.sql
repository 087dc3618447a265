drop table _ayb_sessions;
