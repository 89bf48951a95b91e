-- A ledger as version 0.1 of the pack left it.
CREATE TABLE jobs (
	"key" VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	model_id VARCHAR NOT NULL, 
	model_name VARCHAR NOT NULL, 
	take BIGINT NOT NULL, 
	node_id VARCHAR NOT NULL, 
	asked VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	request_id VARCHAR, 
	created_at FLOAT NOT NULL, 
	submitted_at FLOAT, 
	finished_at FLOAT, 
	path VARCHAR, 
	part_path VARCHAR, 
	part_validator VARCHAR, 
	bytes BIGINT, 
	sha256 VARCHAR, 
	cost_usd FLOAT, 
	error VARCHAR, 
	error_kind VARCHAR, 
	PRIMARY KEY ("key")
);
CREATE INDEX ix_jobs_asked ON jobs (asked);
CREATE INDEX ix_jobs_created_at ON jobs (created_at);
CREATE INDEX jobs_by_model ON jobs (model_id, created_at);
CREATE TABLE claims (
	"key" VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	lease_until FLOAT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE meta (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO meta VALUES ('salt', '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
INSERT INTO jobs VALUES ('1111111111111111111111111111111111111111111111111111111111111111', 'stored', 'RunComfy', 'https://model-api.runcomfy.net', 'veo-3', 'Veo 3', 7, '12', 'd1', 1, 'r-1', 1000.0, 1001.0, 1099.0, '/out/clip.mp4', NULL, NULL, 1234, 'f0', 0.84, NULL, NULL);
INSERT INTO jobs VALUES ('2222222222222222222222222222222222222222222222222222222222222222', 'submitted', 'RunComfy', 'https://model-api.runcomfy.net', 'veo-3', 'Veo 3', 8, '12', 'd2', 2, 'r-2', 2000.0, 2001.0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO jobs VALUES ('3333333333333333333333333333333333333333333333333333333333333333', 'intent', 'CometAPI', 'sandbox', 'veo3-fast', 'Comet Veo', 9, '13', 'd3', 1, NULL, 3000.0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO jobs VALUES ('4444444444444444444444444444444444444444444444444444444444444444', 'failed', 'RunComfy', 'https://model-api.runcomfy.net', 'veo-3', 'Veo 3', 10, '', '', 1, 'r-4', 4000.0, 4001.0, 4002.0, NULL, NULL, NULL, NULL, NULL, NULL, 'It failed.', 'JobFailed');
INSERT INTO claims VALUES ('2222222222222222222222222222222222222222222222222222222222222222', 'a-host|1234|birth|run', 99999999999.0);
PRAGMA user_version = 1;
