drop table _ayb_settings;
