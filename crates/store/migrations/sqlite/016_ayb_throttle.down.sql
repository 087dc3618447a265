drop table _ayb_throttle;
