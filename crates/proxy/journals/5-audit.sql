BEGIN TRANSACTION;
CREATE TABLE alerted (
        target TEXT PRIMARY KEY NOT NULL,
        board INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO "alerted" VALUES('night',3);
CREATE TABLE app_entries (
        id INTEGER PRIMARY KEY,
        app TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        unmatched_bytes INTEGER NOT NULL,
        json TEXT NOT NULL,
        raw TEXT, sum INTEGER,
        UNIQUE (app, number)
    ) STRICT;
INSERT INTO "app_entries" VALUES(1,'journey',1,1795256190248,0,'{"number":1,"at":1795256190248,"by":"proxy","version":1,"fact":{"Configured":{"qps":10,"has_region":false,"storage":["archive"],"uid_range":[900000,999999]}}}',NULL,-2732883869523792569);
CREATE TABLE audit (
        number INTEGER PRIMARY KEY,
        json TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT;
INSERT INTO "audit" VALUES(1,'{"number":1,"at":1795256190248,"who":"Demonstration","role":"lead","from":"127.0.0.1","action":"POST /api/v1/recordings/adopt","app":"journey","recording":"ggv2wzyr6dw5","outcome":"done","entry":1}','2c8d87b29c2feaa8db217cc1de7666cf911199025a405aeb2cdb077370d9da3a');
INSERT INTO "audit" VALUES(2,'{"number":2,"at":1795256190300,"from":"127.0.0.1","action":"POST /api/v1/notifications/{app}","app":"journey","outcome":"refused","status":401,"kind":"signature"}','d6bc45b3826725eceb70d7940f04d4a59672feb8182d8ab0bdb8b2df2971aa7b');
INSERT INTO "audit" VALUES(3,'{"number":3,"at":1795256250300,"from":"127.0.0.1","action":"POST /api/v1/notifications/{app}","app":"journey","outcome":"refused","status":401,"kind":"signature","more":17,"until":1795256250300,"late":true}','6b152958e7566c208e4bc8d5292ce5d43b48b68c4c69e9ef23e5616283f393a9');
CREATE TABLE entries (
        board INTEGER PRIMARY KEY,
        recording TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        json TEXT NOT NULL, sum INTEGER,
        UNIQUE (recording, number)
    ) STRICT;
INSERT INTO "entries" VALUES(1,'ggv2wzyr6dw5',1,1795256190248,'{"number":1,"board":1,"at":1795256190248,"by":{"staff":"Demonstration"},"version":1,"fact":{"Requested":{"app":"journey","channel":"guest-room","uids":{"original":4711,"backup":900000,"reserves":[900001,900002]},"storage":"archive","settings":{"mode":"mix","recording_config":{"channelType":0,"streamTypes":2,"maxIdleTime":300},"av_file_types":["hls"],"resource_expired_hours":720},"policy_name":"patient","policy":{"patience":"patient","stop_answers":"automatic","changeover":true,"restart_after_idle":false,"started_notification":false,"domain_repeat_gaps":[1,3,6],"domain_memory":600,"rate_limited_gaps":[1,3,6],"answer_wait":10,"slow_answer_wait":30,"resource_late":2,"resource_usable":290,"start_gaps":[3,6,9],"start_tries":4,"start_minute":60,"start_minutes_for":1800,"unclear_start_gaps":[3,6],"no_worker_gaps":[3,6],"acquire_gaps":[3,6,9],"acquire_slow_gap":30,"pcw_gaps":[5,10,15],"pcw_slow_gap":30,"orphan_wait":10,"notifications_seen_for":86400,"verify_instants":[5,10,20,35,50,65,80,90],"idle_share_percent":90,"verify_shortest_gap":4,"unconfirmed_alarm":120,"monitor_interval":120,"monitor_jitter_percent":5,"monitor_shortest":15,"monitor_budget_percent":40,"doubt_instants":[5,15,30],"doubt_interval":15,"doubt_window":90,"unclear_gaps":[5,10,15,30],"unclear_attention":120,"unclear_alarm":600,"not_completed_gaps":[3,6],"ending_interval":15,"ending_alarm":300,"ending_slow_interval":60,"twins_alarm":600,"unattended_factor":2,"doubt_stale":90,"unattended_start":600,"lost_instants":[105,120,150,180,240,300,600],"replacements":3,"replacement_window":900,"failovers":3,"stopped_first":5,"stopped_interval":15,"stop_again":30,"stop_gaps":[3,6,9],"stop_slow_gap":15,"stop_alarm":60,"refused_stop_gap":60,"control_shown_percent":80,"control_alarm_percent":95,"control_reserve":3600},"rules":1,"watched":true}}}',8124814791078824803);
INSERT INTO "entries" VALUES(2,'ggv2wzyr6dw5',2,1795256190248,'{"number":2,"board":2,"at":1795256190248,"by":{"staff":"Demonstration"},"version":1,"fact":{"Adopted":{"session":1,"uid":4711,"resource_id":"ki2gh-M9pzgZd8R5F0nK8ldqZd1WcT5cSu30AmB1HecOJkicIhWbazAfccFaDdZj67J6xXAmU6Hv_ZQgxb6zx9xbaAf1QgUld8NNCwMxCzXmJIETt7-wwsIAAoFGekUVtofW2huVM0ddHXSjiJ2Y0Y2mEteJ7TT85TmJ-deH6Bni","sid":"c1aad4aefbe8d367f5e580ffa04e0d15"}}}',-7378238938484015394);
INSERT INTO "entries" VALUES(3,'ggv2wzyr6dw5',3,1795256190248,'{"number":3,"board":3,"at":1795256190248,"by":{"client":{"client":1,"epoch":1,"name":"Demonstration"}},"version":1,"fact":{"Leased":{"client":1,"epoch":1,"holder":"Demonstration"}}}',-5025667636642434983);
INSERT INTO "entries" VALUES(4,'ggv2wzyr6dw5',4,1795256190811,'{"number":4,"board":4,"at":1795256190811,"by":{"client":{"client":1,"epoch":1,"name":"Demonstration"}},"version":1,"fact":{"CallSent":{"id":"ggv2wzyr6dw5:3:1:query","session":1,"operation":"query","uid":4711,"domain":"primary","host":"api.agora.io","rule":"V1","attempt":{"number":1,"of":8}}}}',-752231844345742257);
INSERT INTO "entries" VALUES(5,'ggv2wzyr6dw5',5,1795256190910,'{"number":5,"board":5,"at":1795256190910,"by":"agora","version":1,"fact":{"CallAnswered":{"id":"ggv2wzyr6dw5:3:1:query","answer":{"status":200,"class":{"status":{"status":4,"sid":"c1aad4aefbe8d367f5e580ffa04e0d15"}}}}}}',-6205023941368975227);
INSERT INTO "entries" VALUES(6,'ggv2wzyr6dw5',6,1795256192456,'{"number":6,"board":6,"at":1795256192456,"by":{"client":{"client":1,"epoch":1,"name":"Demonstration"}},"version":1,"fact":{"Decided":{"kind":{"confirmed":1},"rule":"V2","evidence":[5]}}}',4717320838365244946);
CREATE TABLE key_uses (
        person TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        recording TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (person, key)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "key_uses" VALUES('Demonstration','a-key','{}','ggv2wzyr6dw5',1795256190248);
CREATE TABLE meta (
        name TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('clock_origin','1795256190248');
INSERT INTO "meta" VALUES('clock_rate','1');
INSERT INTO "meta" VALUES('hash_key','abababababababababababababababababababababababababababababababab');
INSERT INTO "meta" VALUES('journal_id','0f1e2d3c4b5a69788796a5b4c3d2e1f0');
INSERT INTO "meta" VALUES('schema','1');
CREATE TABLE notices (
        key TEXT PRIMARY KEY NOT NULL,
        app TEXT NOT NULL,
        recording TEXT,
        number INTEGER NOT NULL,
        again INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO "notices" VALUES('journey n-1','journey','ggv2wzyr6dw5',2,0);
CREATE TABLE probe (
        id INTEGER PRIMARY KEY,
        count INTEGER NOT NULL
    ) STRICT;
CREATE TABLE raw_bodies (
        board INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
INSERT INTO "raw_bodies" VALUES(5,1795256190910,'{"cname":"guest-room","resourceId":"ki2gh-M9pzgZd8R5F0nK8ldqZd1WcT5cSu30AmB1HecOJkicIhWbazAfccFaDdZj67J6xXAmU6Hv_ZQgxb6zx9xbaAf1QgUld8NNCwMxCzXmJIETt7-wwsIAAoFGekUVtofW2huVM0ddHXSjiJ2Y0Y2mEteJ7TT85TmJ-deH6Bni","serverResponse":{"fileList":"","fileListMode":"string","status":4},"sid":"c1aad4aefbe8d367f5e580ffa04e0d15","uid":"4711"}');
CREATE TABLE shared_views (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        json TEXT NOT NULL
    ) STRICT;
INSERT INTO "shared_views" VALUES(1,'{"version": 1, "by": "Demonstration", "views": [{"name": "Live", "view": "state=live", "by": "Demonstration", "at": 1795256190248}]}');
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'an entry of the journal never changes'); END;
CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never removed'); END;
CREATE INDEX raw_bodies_by_age ON raw_bodies (at);
CREATE INDEX app_entries_with_raw ON app_entries (at) WHERE raw IS NOT NULL;
CREATE TRIGGER app_entries_never_change BEFORE UPDATE OF app, number, at, json ON app_entries
        BEGIN SELECT RAISE(ABORT, 'an entry of an App journal never changes'); END;
CREATE TRIGGER only_unmatched_notifications_make_room BEFORE DELETE ON app_entries
        WHEN OLD.unmatched_bytes = 0
        BEGIN SELECT RAISE(ABORT, 'an entry of an App journal is never removed'); END;
CREATE INDEX notices_of_unmatched ON notices (app, number) WHERE recording IS NULL;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'a record of the audit never changes'); END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'a record of the audit is never removed'); END;
COMMIT;
