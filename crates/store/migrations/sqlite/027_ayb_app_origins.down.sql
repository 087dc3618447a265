alter table _ayb_apps drop column allowed_origins;
