PRAGMA application_id = 1835233395;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   INTEGER NOT NULL,
    id     TEXT NOT NULL
  );
INSERT INTO "changes" VALUES(1,0,'42');
INSERT INTO "changes" VALUES(2,0,'42');
INSERT INTO "changes" VALUES(3,0,'42');
INSERT INTO "changes" VALUES(4,0,'42');
INSERT INTO "changes" VALUES(5,0,'42');
INSERT INTO "changes" VALUES(6,0,'42');
INSERT INTO "changes" VALUES(7,0,'42');
INSERT INTO "changes" VALUES(8,0,'42');
INSERT INTO "changes" VALUES(9,0,'42');
INSERT INTO "changes" VALUES(10,0,'42');
INSERT INTO "changes" VALUES(11,0,'42');
INSERT INTO "changes" VALUES(12,0,'Jörg 1');
INSERT INTO "changes" VALUES(13,0,'a:b%c{d}*?[e]\f');
INSERT INTO "changes" VALUES(14,1,'signed-in');
INSERT INTO "changes" VALUES(15,1,'signed-in');
INSERT INTO "changes" VALUES(16,0,'7');
INSERT INTO "changes" VALUES(17,1,'9fK');
INSERT INTO "changes" VALUES(18,1,'9fK');
INSERT INTO "changes" VALUES(19,1,'9fK');
INSERT INTO "changes" VALUES(20,1,'9fK');
INSERT INTO "changes" VALUES(21,0,'42');
INSERT INTO "changes" VALUES(22,0,'42');
INSERT INTO "changes" VALUES(23,0,'42');
INSERT INTO "changes" VALUES(24,0,'42');
INSERT INTO "changes" VALUES(25,0,'42');
INSERT INTO "changes" VALUES(26,0,'42');
INSERT INTO "changes" VALUES(27,0,'42');
INSERT INTO "changes" VALUES(28,0,'42');
INSERT INTO "changes" VALUES(29,0,'42');
INSERT INTO "changes" VALUES(30,0,'42');
INSERT INTO "changes" VALUES(31,1,'9fK');
INSERT INTO "changes" VALUES(32,1,'9fK');
CREATE TABLE instances (
    name    TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    kept    INTEGER NOT NULL,
    until   INTEGER NOT NULL
  , reach TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
INSERT INTO "instances" VALUES('last-a458e505','',0,1795994347216,'sha256:cb655a99797dbbc25bd1c611ebdf9c7f4bb78a89017ca5b81e10501ddabb58bf');
CREATE TABLE leases (
    kind       INTEGER NOT NULL,  -- as in records
    id         TEXT NOT NULL,
    server     TEXT NOT NULL,     -- its name
    holder     TEXT NOT NULL,     -- empty: handed over
    number     INTEGER NOT NULL,
    until      INTEGER NOT NULL,  -- Unix milliseconds
    registered TEXT NOT NULL,
    forget_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, id, server)
  ) WITHOUT ROWID;
INSERT INTO "leases" VALUES(0,'42','away','last-a458e505',1795994345242625,1795994346748,'away',2111613546748);
INSERT INTO "leases" VALUES(0,'42','broken','last-a458e505',1795994345237290,1795994346740,'broken',2111613546740);
INSERT INTO "leases" VALUES(0,'42','locked','last-a458e505',1795994345232966,1795994346733,'locked',2111613546733);
INSERT INTO "leases" VALUES(0,'42','program','last-a458e505',1795994345225041,1795994346725,'program',2111613546725);
INSERT INTO "leases" VALUES(0,'42','web','last-a458e505',1795994345218438,1795994346719,'web',2111613546719);
INSERT INTO "leases" VALUES(1,'9fK','web','last-a458e505',1795994345327525,1795994346827,'web',2111613546827);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('lease_number',1795994345327525);
INSERT INTO "meta" VALUES('revision_floor',1795994344976492);
CREATE TABLE records (
    record         INTEGER PRIMARY KEY,
    kind           INTEGER NOT NULL,  -- 0 user, 1 session
    id             TEXT NOT NULL,
    member         TEXT NOT NULL,     -- the encoded server name
    revision       INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,  -- Unix milliseconds
    expires_latest INTEGER,
    status         TEXT NOT NULL,
    connected_at   TEXT,
    info           TEXT NOT NULL,
    UNIQUE (kind, id, member)
  );
INSERT INTO "records" VALUES(1,0,'42','opened',1795994344484432,2111613544484,NULL,'CONNECTED','2026-11-29T23:19:04.480642+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.480642+00:00","last_connected_at":"2026-11-29T23:19:04.480642+00:00","checked_at":"2026-11-29T23:19:04.480642+00:00","transport":"http","url":"http://127.0.0.1:45887/mcp","protocol_version":"2025-11-25","server_info":{"name":"diary","version":"1"},"capabilities":{"tools": {"listChanged": true}},"tool_count":1,"tools_hash":"sha256:ca7be59dad34ba496a92903dc7a12fb0216b13efefc44ca770a3428e17d800cf","tools_bytes":17}');
INSERT INTO "records" VALUES(2,0,'42','github',1795994344524463,2111613544524,NULL,'CONNECTED','2026-11-29T23:19:04.524372+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.524372+00:00","last_connected_at":"2026-11-29T23:19:04.524372+00:00","checked_at":"2026-11-29T23:19:04.524372+00:00","tool_count":2,"tools_hash":"sha256:b89cd93bbf7010f686421929ab17aa41b08801d11d758b0b50f7a39f323dc03e","tools_bytes":128}');
INSERT INTO "records" VALUES(3,0,'42','a%3Ab%25c%7Bd%7D%2A%3F%5Be%5D%5Cf',1795994344568639,2111613544568,NULL,'CONNECTED','2026-11-29T23:19:04.568545+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.568545+00:00","last_connected_at":"2026-11-29T23:19:04.568545+00:00","checked_at":"2026-11-29T23:19:04.568545+00:00","tool_count":1,"tools_hash":"sha256:32fea25b60bcf85c4f7c6cc0f9d9601c2eb4ed405cbd886b882088896ca3d349","tools_bytes":16}');
INSERT INTO "records" VALUES(4,0,'42','empty',1795994344604890,2111613544604,NULL,'CONNECTED','2026-11-29T23:19:04.604801+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.604801+00:00","last_connected_at":"2026-11-29T23:19:04.604801+00:00","checked_at":"2026-11-29T23:19:04.604801+00:00","tool_count":0,"tools_hash":"sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945","tools_bytes":2}');
INSERT INTO "records" VALUES(5,0,'42','without tools',1795994344639997,2111613544639,NULL,'CONNECTED','2026-11-29T23:19:04.639907+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.639907+00:00","last_connected_at":"2026-11-29T23:19:04.639907+00:00","checked_at":"2026-11-29T23:19:04.639907+00:00"}');
INSERT INTO "records" VALUES(6,0,'42','failed',1795994344763701,2111613544763,NULL,'FAILED',NULL,'"status":"FAILED","last_connected_at":"2026-11-29T23:19:04.680571+00:00","checked_at":"2026-11-29T23:19:04.680571+00:00","tool_count":2,"tools_hash":"sha256:b89cd93bbf7010f686421929ab17aa41b08801d11d758b0b50f7a39f323dc03e","tools_bytes":128,"error":{"code":"reported","message":"the token has expired","at":"2026-11-29T23:19:04.763681+00:00"}}');
INSERT INTO "records" VALUES(7,0,'42','down',1795994344783846,2111613544783,NULL,'DISCONNECTED',NULL,'"status":"DISCONNECTED","last_connected_at":"2026-11-29T23:19:04.724580+00:00","checked_at":"2026-11-29T23:19:04.724580+00:00"}');
INSERT INTO "records" VALUES(8,0,'42','starting',1795994344821438,2111613544821,NULL,'DISCONNECTED',NULL,'"status":"CONNECTING"}');
INSERT INTO "records" VALUES(9,0,'42','locked out',1795994344856641,2111613544856,NULL,'FAILED',NULL,'"status":"AUTH_REQUIRED","error":{"code":"reported","message":"sign in","at":"2026-11-29T23:19:04.856542+00:00"}}');
INSERT INTO "records" VALUES(10,0,'Jörg 1','meine Dateien',1795994344894889,2111613544894,NULL,'CONNECTED','2026-11-29T23:19:04.894794+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.894794+00:00","last_connected_at":"2026-11-29T23:19:04.894794+00:00","checked_at":"2026-11-29T23:19:04.894794+00:00","tool_count":2,"tools_hash":"sha256:b89cd93bbf7010f686421929ab17aa41b08801d11d758b0b50f7a39f323dc03e","tools_bytes":128}');
INSERT INTO "records" VALUES(11,0,'a:b%c{d}*?[e]\f','a%3Ab%25c%7Bd%7D%2A%3F%5Be%5D%5Cf',1795994344930984,2111613544930,NULL,'CONNECTED','2026-11-29T23:19:04.930901+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.930901+00:00","last_connected_at":"2026-11-29T23:19:04.930901+00:00","checked_at":"2026-11-29T23:19:04.930901+00:00","tool_count":1,"tools_hash":"sha256:32fea25b60bcf85c4f7c6cc0f9d9601c2eb4ed405cbd886b882088896ca3d349","tools_bytes":16}');
INSERT INTO "records" VALUES(13,0,'7','basket',1795994345008946,2111613545008,NULL,'CONNECTED','2026-11-29T23:19:04.976381+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:04.976381+00:00","last_connected_at":"2026-11-29T23:19:04.976381+00:00","checked_at":"2026-11-29T23:19:04.976381+00:00","tool_count":1,"tools_hash":"sha256:32fea25b60bcf85c4f7c6cc0f9d9601c2eb4ed405cbd886b882088896ca3d349","tools_bytes":16}');
INSERT INTO "records" VALUES(14,1,'9fK','basket',1795994345034504,2111613545034,NULL,'CONNECTED','2026-11-29T23:19:05.034459+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:05.034459+00:00","last_connected_at":"2026-11-29T23:19:05.034459+00:00","checked_at":"2026-11-29T23:19:05.034459+00:00","tool_count":1,"tools_hash":"sha256:32fea25b60bcf85c4f7c6cc0f9d9601c2eb4ed405cbd886b882088896ca3d349","tools_bytes":16}');
INSERT INTO "records" VALUES(15,1,'9fK','github',1795994345073361,2111613545073,NULL,'CONNECTED','2026-11-29T23:19:05.073284+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:05.073284+00:00","last_connected_at":"2026-11-29T23:19:05.073284+00:00","checked_at":"2026-11-29T23:19:05.073284+00:00","tool_count":1,"tools_hash":"sha256:32fea25b60bcf85c4f7c6cc0f9d9601c2eb4ed405cbd886b882088896ca3d349","tools_bytes":16}');
INSERT INTO "records" VALUES(16,1,'9fK','failed',1795994345177392,2111613545177,NULL,'DISCONNECTED',NULL,'"status":"DISCONNECTED","last_connected_at":"2026-11-29T23:19:05.113240+00:00","checked_at":"2026-11-29T23:19:05.113240+00:00"}');
INSERT INTO "records" VALUES(17,0,'42','web',1795994345324625,2111613545218,NULL,'CONNECTED','2026-11-29T23:19:05.324589+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:05.324589+00:00","managed":true,"last_connected_at":"2026-11-29T23:19:05.324589+00:00","checked_at":"2026-11-29T23:19:05.324589+00:00","registered":"web","transport":"http","url":"http://127.0.0.1:45887/mcp","protocol_version":"2025-11-25","server_info":{"name":"diary","version":"1"},"capabilities":{"tools": {"listChanged": true}},"tool_count":1,"tools_hash":"sha256:ca7be59dad34ba496a92903dc7a12fb0216b13efefc44ca770a3428e17d800cf","tools_bytes":17}');
INSERT INTO "records" VALUES(18,0,'42','program',1795994345287341,2111613545225,NULL,'CONNECTED','2026-11-29T23:19:05.287298+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:05.287298+00:00","managed":true,"last_connected_at":"2026-11-29T23:19:05.287298+00:00","checked_at":"2026-11-29T23:19:05.287298+00:00","registered":"program","transport":"stdio","protocol_version":"2025-11-25","server_info":{"name":"fake","version":"1.2.3"},"capabilities":{"tools": {}},"tool_count":1,"tools_hash":"sha256:32fea25b60bcf85c4f7c6cc0f9d9601c2eb4ed405cbd886b882088896ca3d349","tools_bytes":16}');
INSERT INTO "records" VALUES(19,0,'42','locked',1795994345243140,2111613545233,NULL,'FAILED',NULL,'"status":"AUTH_REQUIRED","managed":true,"registered":"locked","transport":"http","url":"http://127.0.0.1:38577/mcp","error":{"code":"auth_failed","message":"the server wants credentials, or refuses those given (HTTP 401)","at":"2026-11-29T23:19:05.243123+00:00","attempt":1}}');
INSERT INTO "records" VALUES(20,0,'42','broken',1795994345242768,2111613545237,NULL,'FAILED',NULL,'"status":"FAILED","managed":true,"registered":"broken","transport":"stdio","error":{"code":"spawn_failed","message":"cannot start ''/nonexistent/program'': there is no such file; is it installed?","at":"2026-11-29T23:19:05.242732+00:00","attempt":1}}');
INSERT INTO "records" VALUES(21,0,'42','away',1795994345252912,2111613545243,NULL,'FAILED',NULL,'"status":"FAILED","managed":true,"registered":"away","transport":"http","url":"http://127.0.0.1:9/mcp","error":{"code":"connect_failed","message":"cannot connect to 127.0.0.1 port 9: Connection refused","at":"2026-11-29T23:19:05.252880+00:00","attempt":1,"retry_at":"2026-11-29T23:19:05.649868+00:00"}}');
INSERT INTO "records" VALUES(22,1,'9fK','web',1795994345376815,2111613545327,NULL,'CONNECTED','2026-11-29T23:19:05.376734+00:00','"status":"CONNECTED","connected_at":"2026-11-29T23:19:05.376734+00:00","managed":true,"last_connected_at":"2026-11-29T23:19:05.376734+00:00","checked_at":"2026-11-29T23:19:05.376734+00:00","registered":"web","transport":"http","url":"http://127.0.0.1:45887/mcp","protocol_version":"2025-11-25","server_info":{"name":"diary","version":"1"},"capabilities":{"tools": {"listChanged": true}},"tool_count":1,"tools_hash":"sha256:ca7be59dad34ba496a92903dc7a12fb0216b13efefc44ca770a3428e17d800cf","tools_bytes":17}');
CREATE TABLE tools (
    record INTEGER PRIMARY KEY REFERENCES records ON DELETE CASCADE,
    bytes  BLOB NOT NULL
  );
INSERT INTO "tools" VALUES(1,X'5B7B226E616D65223A20226F6E65227D5D');
INSERT INTO "tools" VALUES(2,X'5B207B226E616D65223A22736561726368222C20226465736372697074696F6E223A225375636865206E616368204772C3B6C39F6520F09F9A80222C22696E707574536368656D61223A7B2274797065223A226F626A656374227D2C226E223A312E3065307D2C0A207B226E616D65223A2274776F5C7530303030227D205D0A');
INSERT INTO "tools" VALUES(3,X'5B7B226E616D65223A226F6E65227D5D');
INSERT INTO "tools" VALUES(4,X'5B5D');
INSERT INTO "tools" VALUES(6,X'5B207B226E616D65223A22736561726368222C20226465736372697074696F6E223A225375636865206E616368204772C3B6C39F6520F09F9A80222C22696E707574536368656D61223A7B2274797065223A226F626A656374227D2C226E223A312E3065307D2C0A207B226E616D65223A2274776F5C7530303030227D205D0A');
INSERT INTO "tools" VALUES(10,X'5B207B226E616D65223A22736561726368222C20226465736372697074696F6E223A225375636865206E616368204772C3B6C39F6520F09F9A80222C22696E707574536368656D61223A7B2274797065223A226F626A656374227D2C226E223A312E3065307D2C0A207B226E616D65223A2274776F5C7530303030227D205D0A');
INSERT INTO "tools" VALUES(11,X'5B7B226E616D65223A226F6E65227D5D');
INSERT INTO "tools" VALUES(13,X'5B7B226E616D65223A226F6E65227D5D');
INSERT INTO "tools" VALUES(14,X'5B7B226E616D65223A226F6E65227D5D');
INSERT INTO "tools" VALUES(15,X'5B7B226E616D65223A226F6E65227D5D');
INSERT INTO "tools" VALUES(17,X'5B7B226E616D65223A20226F6E65227D5D');
INSERT INTO "tools" VALUES(18,X'5B7B226E616D65223A226F6E65227D5D');
INSERT INTO "tools" VALUES(22,X'5B7B226E616D65223A20226F6E65227D5D');
CREATE INDEX records_by_expiry ON records (expires_at);
CREATE INDEX leases_by_end ON leases (until);
CREATE INDEX leases_by_registered ON leases (registered, kind, id, server);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('changes',32);
COMMIT;
