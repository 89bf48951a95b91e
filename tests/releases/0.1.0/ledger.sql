PRAGMA user_version = 7;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE engines (
	id VARCHAR NOT NULL, 
	beats INTEGER NOT NULL, 
	heard_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE jobs (
	provider VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	model_id VARCHAR NOT NULL, 
	model_name VARCHAR NOT NULL, 
	take BIGINT NOT NULL, 
	node_id VARCHAR NOT NULL, 
	asked VARCHAR NOT NULL, 
	account VARCHAR, 
	output_folder VARCHAR, 
	filename_prefix VARCHAR, 
	sidecar VARCHAR, 
	file_digest VARCHAR, 
	uploads VARCHAR, 
	estimate_usd FLOAT, 
	assumed_usd FLOAT, 
	stand_in BIGINT, 
	prompt VARCHAR, 
	workflow_id VARCHAR, 
	host VARCHAR, 
	asked_by VARCHAR, 
	"key" VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	attempt BIGINT NOT NULL, 
	request_id VARCHAR, 
	created_at FLOAT NOT NULL, 
	submitted_at FLOAT, 
	finished_at FLOAT, 
	path VARCHAR, 
	part_path VARCHAR, 
	part_validator VARCHAR, 
	bytes BIGINT, 
	sha256 VARCHAR, 
	others VARCHAR, 
	cost_usd FLOAT, 
	error VARCHAR, 
	error_kind VARCHAR, 
	earlier_usd FLOAT, 
	starred BIGINT, 
	saved_on VARCHAR, 
	shared_in VARCHAR, 
	PRIMARY KEY ("key")
);
INSERT INTO "jobs" VALUES('RunComfy','sandbox','runwayml/runway-gen-3-alpha/turbo/image-to-video','Runway Gen-3 Alpha Turbo',7,'','b6d73ee4197bdd3c14e7f3cb2a41dd3de0267fb5adc909ff40cc06e12082fabb','a4b4b6649926efebd6489948623a242f','{output}','clip.mp4',NULL,NULL,NULL,NULL,NULL,NULL,'around the photo',NULL,'a-farm','someone','40406f5775f8329f0a6305c4c9d6248a5e89a9c086fbb33e3d379c6bad0f24d4','stored',1,'b22c82f5-8dad-417f-9635-965eb9eaa7fb',1.79604409781210207935e+09,1.79604409786373448373e+09,1.79604410283170509341e+09,'clip.mp4',NULL,NULL,110527,'6108328d8863fd33dc01d268f2034dfa648338be669dc707127a02cf2b0b9755',NULL,0.25,NULL,NULL,NULL,NULL,'a-farm',NULL);
INSERT INTO "jobs" VALUES('RunComfy','https://model-api.runcomfy.net','google-deepmind/veo-3/image-to-video','Veo 3',8,'','',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'dbfea7be6e49393275302ad0fb7de7f1b126a558ee18de345e83eed0b30f76c9','submitted',1,'request-0',1.79604410302302646635e+09,1.79604410304126310346e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('RunComfy','https://model-api.runcomfy.net','runwayml/runway-gen-3-alpha/turbo/image-to-video','Runway Gen-3 Alpha Turbo',8,'','',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'93eff503abe87ea028a2485d94d6048f939070cec94a417781d19e1e4d455fbf','submitted',1,'request-1',1.79604410309913635254e+09,1.79604410311544036857e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('RunComfy','https://model-api.runcomfy.net','kling/kling-3.0/standard/image-to-video','Kling 3.0 Standard',8,'','',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'4d118106535a4075c81bd429440327823aec7e10785ecb9406a317781b430df7','submitted',1,'request-2',1.79604410320443773265e+09,1.79604410323649287223e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('RunComfy','https://model-api.runcomfy.net','bytedance/dreamina-3-0/pro/image-to-video','Dreamina 3.0 Pro',8,'','',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'523545684ebe94ba7e82695975b8db9221e8ed1016e09ef91433e77a4c8785ea','submitted',1,'request-3',1.7960441033811790943e+09,1.79604410342373514179e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('CometAPI','https://api.cometapi.com/v1','cometapi/veo3-fast','Veo (CometAPI): veo3-fast',8,'','',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'80cbf84a6aaf5950bc2e96d1bd4213491e81b3ec6e47d649e4a085479f70d8a7','submitted',1,'request-4',1.79604410360122776035e+09,1.79604410361920785897e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE leases (
	"key" VARCHAR NOT NULL, 
	engine_id VARCHAR, 
	fence INTEGER NOT NULL, 
	since FLOAT NOT NULL, 
	PRIMARY KEY ("key")
)
 WITHOUT ROWID

;
INSERT INTO "leases" VALUES('40406f5775f8329f0a6305c4c9d6248a5e89a9c086fbb33e3d379c6bad0f24d4',NULL,1,1.79604409767288827892e+09);
INSERT INTO "leases" VALUES('4d118106535a4075c81bd429440327823aec7e10785ecb9406a317781b430df7',NULL,1,1.79604410315948486332e+09);
INSERT INTO "leases" VALUES('523545684ebe94ba7e82695975b8db9221e8ed1016e09ef91433e77a4c8785ea',NULL,1,1.79604410335426735879e+09);
INSERT INTO "leases" VALUES('80cbf84a6aaf5950bc2e96d1bd4213491e81b3ec6e47d649e4a085479f70d8a7',NULL,1,1.79604410359134817123e+09);
INSERT INTO "leases" VALUES('93eff503abe87ea028a2485d94d6048f939070cec94a417781d19e1e4d455fbf',NULL,1,1.79604410308238363266e+09);
INSERT INTO "leases" VALUES('dbfea7be6e49393275302ad0fb7de7f1b126a558ee18de345e83eed0b30f76c9',NULL,1,1.79604410301488828663e+09);
CREATE TABLE meta (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('salt','3fa6d2e28dabcd79ece9fcca26b53652421c6afb2152be0b4c9a061808ed0fdb');
CREATE INDEX ix_jobs_asked ON jobs (asked);
CREATE INDEX jobs_by_model ON jobs (model_name, state, created_at, "key");
CREATE INDEX ix_jobs_file_digest ON jobs (file_digest);
CREATE INDEX jobs_of_node ON jobs (workflow_id, node_id, starred, created_at, "key");
CREATE INDEX jobs_stored ON jobs (base, model_id, created_at) WHERE state = 'stored';
CREATE INDEX jobs_to_be_shared ON jobs (saved_on, created_at) WHERE state = 'stored' AND shared_in IS NULL;
CREATE INDEX jobs_money ON jobs (created_at, base, stand_in, state, cost_usd, estimate_usd, assumed_usd, earlier_usd);
CREATE INDEX jobs_by_state ON jobs (state, created_at, "key");
CREATE INDEX leases_held ON leases (engine_id) WHERE engine_id IS NOT NULL;
COMMIT;
