drop table _ayb_audit;
