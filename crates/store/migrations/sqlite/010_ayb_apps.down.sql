drop table _ayb_apps;
