--
-- PostgreSQL database dump
--


-- Dumped from database version 16.14
-- Dumped by pg_dump version 16.14

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: evidence; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA evidence;


--
-- Name: refuse_change(); Type: FUNCTION; Schema: evidence; Owner: -
--

CREATE FUNCTION evidence.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME; END$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access_seals; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.access_seals (
    access_id bigint NOT NULL,
    entry_id bigint NOT NULL
);


--
-- Name: accesses; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.accesses (
    id bigint NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL COLLATE pg_catalog."C",
    way text NOT NULL COLLATE pg_catalog."C",
    target_id bigint,
    resource_id bigint,
    detail text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: accesses_id_seq; Type: SEQUENCE; Schema: evidence; Owner: -
--

CREATE SEQUENCE evidence.accesses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: accesses_id_seq; Type: SEQUENCE OWNED BY; Schema: evidence; Owner: -
--

ALTER SEQUENCE evidence.accesses_id_seq OWNED BY evidence.accesses.id;


--
-- Name: alembic_version; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: attachments; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.attachments (
    entry_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    sha256 bytea,
    size bigint,
    codec smallint NOT NULL,
    body bytea
);


--
-- Name: checkpoints; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.checkpoints (
    size bigint NOT NULL,
    note text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: checks; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.checks (
    id bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    severity text NOT NULL COLLATE pg_catalog."C",
    body bytea NOT NULL,
    digest bytea NOT NULL
);


--
-- Name: checks_id_seq; Type: SEQUENCE; Schema: evidence; Owner: -
--

CREATE SEQUENCE evidence.checks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: checks_id_seq; Type: SEQUENCE OWNED BY; Schema: evidence; Owner: -
--

ALTER SEQUENCE evidence.checks_id_seq OWNED BY evidence.checks.id;


--
-- Name: contents; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.contents (
    digest bytea NOT NULL,
    sha256 bytea,
    size bigint,
    codec smallint NOT NULL,
    body bytea
);


--
-- Name: current_seals; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.current_seals (
    target_id bigint NOT NULL,
    seal bytea NOT NULL
);


--
-- Name: current_state; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.current_state (
    target_id bigint NOT NULL,
    resource_id bigint NOT NULL,
    content bytea,
    sha256 bytea,
    verdict bytea NOT NULL,
    findings bytea NOT NULL,
    since bytea NOT NULL
);


--
-- Name: entries; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.entries (
    id bigint NOT NULL,
    kind smallint NOT NULL,
    target_id bigint NOT NULL,
    sweep bigint NOT NULL,
    attempt bigint NOT NULL,
    outcome text COLLATE pg_catalog."C",
    recorded_at bigint NOT NULL,
    state_root bytea,
    verdict_root bytea,
    resources bigint,
    added bigint,
    changed bigint,
    gone bigint,
    body bytea NOT NULL
);


--
-- Name: entries_id_seq; Type: SEQUENCE; Schema: evidence; Owner: -
--

CREATE SEQUENCE evidence.entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: entries_id_seq; Type: SEQUENCE OWNED BY; Schema: evidence; Owner: -
--

ALTER SEQUENCE evidence.entries_id_seq OWNED BY evidence.entries.id;


--
-- Name: erasures; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.erasures (
    resource_id bigint NOT NULL,
    member text NOT NULL COLLATE pg_catalog."C",
    entry_id bigint NOT NULL
);


--
-- Name: leaves; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.leaves (
    "position" bigint NOT NULL,
    entry_id bigint NOT NULL,
    hash bytea NOT NULL
);


--
-- Name: observations; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.observations (
    resource_id bigint NOT NULL,
    entry_id bigint NOT NULL,
    content bytea,
    scope text COLLATE pg_catalog."C"
);


--
-- Name: part_documents; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.part_documents (
    digest bytea NOT NULL,
    codec smallint NOT NULL,
    body bytea NOT NULL
);


--
-- Name: pending; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.pending (
    entry_id bigint NOT NULL
);


--
-- Name: reasons; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.reasons (
    digest bytea NOT NULL,
    reason text COLLATE pg_catalog."C"
);


--
-- Name: receipts; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.receipts (
    size bigint NOT NULL,
    kind smallint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    body bytea NOT NULL,
    seal bytea NOT NULL
);


--
-- Name: remnants; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.remnants (
    id bigint NOT NULL,
    whose bytea NOT NULL,
    codec smallint NOT NULL,
    body bytea
);


--
-- Name: remnants_id_seq; Type: SEQUENCE; Schema: evidence; Owner: -
--

CREATE SEQUENCE evidence.remnants_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: remnants_id_seq; Type: SEQUENCE OWNED BY; Schema: evidence; Owner: -
--

ALTER SEQUENCE evidence.remnants_id_seq OWNED BY evidence.remnants.id;


--
-- Name: resources; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.resources (
    id bigint NOT NULL,
    target_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    scope text NOT NULL COLLATE pg_catalog."C",
    identity text COLLATE pg_catalog."C",
    key_digest bytea NOT NULL
);


--
-- Name: resources_id_seq; Type: SEQUENCE; Schema: evidence; Owner: -
--

CREATE SEQUENCE evidence.resources_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: resources_id_seq; Type: SEQUENCE OWNED BY; Schema: evidence; Owner: -
--

ALTER SEQUENCE evidence.resources_id_seq OWNED BY evidence.resources.id;


--
-- Name: targets; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.targets (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: targets_id_seq; Type: SEQUENCE; Schema: evidence; Owner: -
--

CREATE SEQUENCE evidence.targets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: targets_id_seq; Type: SEQUENCE OWNED BY; Schema: evidence; Owner: -
--

ALTER SEQUENCE evidence.targets_id_seq OWNED BY evidence.targets.id;


--
-- Name: verdicts; Type: TABLE; Schema: evidence; Owner: -
--

CREATE TABLE evidence.verdicts (
    resource_id bigint NOT NULL,
    check_id bigint NOT NULL,
    entry_id bigint NOT NULL,
    status smallint NOT NULL,
    cause smallint,
    reason bytea,
    since bigint NOT NULL
);


--
-- Name: accesses id; Type: DEFAULT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.accesses ALTER COLUMN id SET DEFAULT nextval('evidence.accesses_id_seq'::regclass);


--
-- Name: checks id; Type: DEFAULT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.checks ALTER COLUMN id SET DEFAULT nextval('evidence.checks_id_seq'::regclass);


--
-- Name: entries id; Type: DEFAULT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.entries ALTER COLUMN id SET DEFAULT nextval('evidence.entries_id_seq'::regclass);


--
-- Name: remnants id; Type: DEFAULT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.remnants ALTER COLUMN id SET DEFAULT nextval('evidence.remnants_id_seq'::regclass);


--
-- Name: resources id; Type: DEFAULT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.resources ALTER COLUMN id SET DEFAULT nextval('evidence.resources_id_seq'::regclass);


--
-- Name: targets id; Type: DEFAULT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.targets ALTER COLUMN id SET DEFAULT nextval('evidence.targets_id_seq'::regclass);


--
-- Data for Name: access_seals; Type: TABLE DATA; Schema: evidence; Owner: -
--



--
-- Data for Name: accesses; Type: TABLE DATA; Schema: evidence; Owner: -
--



--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.alembic_version VALUES ('0005');


--
-- Data for Name: attachments; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.attachments VALUES (3, 'journal', '\x44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 2, 1, '\x789cabae0500017500f9');


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.checkpoints VALUES (13, 'annexa/golden
13
qDSCAcn7WH013PG9SuZj/Khi9OuSdDXg2iKzQqatuy4=

— annexa/golden FK+cHSA/Xm1aWzZq77vW/SDJ+EsLwe5rARJ4fr1TiCWJwY3ft2RYfXLScprNp/HJqLXLfGDHTx1+RFdYYm0d0kgb2QI=
');


--
-- Data for Name: checks; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.checks VALUES (1, 'aws.s3.bucket_public_access_blocked', '1', 'high', '\x7b226372697465726961223a7b7d2c226964223a226177732e73332e6275636b65745f7075626c69635f6163636573735f626c6f636b6564222c227365766572697479223a2268696768222c2276657273696f6e223a2231227d', '\x041ffcfd510b2f01ce7fcd90b4464382139a2a705231ab86332c715412e18d16');
INSERT INTO evidence.checks VALUES (2, 'aws.s3.bucket_versioning_enabled', '1', 'low', '\x7b226372697465726961223a7b7d2c226964223a226177732e73332e6275636b65745f76657273696f6e696e675f656e61626c6564222c227365766572697479223a226c6f77222c2276657273696f6e223a2231227d', '\xab56925b7d1aeb95ad634b9e4e585ef7e57134f68ec729ecd9e320e368925136');


--
-- Data for Name: contents; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.contents VALUES ('\xa049520cdc0547f1afbee5fdcecc4044b0bfc6e6cfe35a49a0380a3d62c49d3d', '\x868b88eff7e76d293a598b232b86b8e788ef191fa260ecd32fdeb99d8a34ca1e', 119, 1, '\x789c1d8b310e83301004ffb235468ae8d2a74dc30b0e7344278889b8735c20ff9dc3ddce68f6c442d114cf137f3e54f624e973d36864d93d5e89a68d67d4da416617840eaba4368bf63af4538e2b9beb4dd43cf5fb9bbedc5a7f69dc7f37700e85d5c203f502489526a1');
INSERT INTO evidence.contents VALUES ('\xc2a378557ab1ff711a433b4fbb1dc5b7f190a7ffca8670c257d02964aa539a7e', '\x44a718db9a21c91b75bebdb9d4e89a6a2de082d557ae86eb9c0e7e2a7917134e', 119, 1, '\x789c1d8b310e83301004ffb235588ae8d2d3d2e4056773894e8089b8732890ff9e33ddce68f6c29b92299e177e7ca8ec59f2a7d1cbc88a7b8c99e2ca336aed20b38b880e8be436e9d4a04388252d6cae5751f3d4ef136d7cb7fed2b47f1b70e94f56eb1fa87f48f126a3');
INSERT INTO evidence.contents VALUES ('\xda9f2a4f6aa3e37b924cee27d14c225c7114662e625e6303b3668597900d6cd6', '\x07c01056885aeba64792013589cfb51553b9d004f1e093c352021ad7c03f79dc', 119, 1, '\x789c1d8b310e83301004ffb235204574e9d3d2e4056773a0136047dc3914c87fcf39ddce68f6c642d114cf1b5f3e557292b4367a1b59718f57a2b0f38c5a3bc8eca2a0c326a94dba74d07108256e6cae7751f3d4ef131dfc6ffda5317f1a70e92f56eb1fa83f4fc526c9');
INSERT INTO evidence.contents VALUES ('\x9e1748f6bf518b24f22deb6fce9ab4ed3f17a6a2c9e7eb07151f7458fde984f4', '\x6cd9186aecbbb8ff12fa213a4a646aed563eda2c2820a225e46c2bbae7562747', 115, 1, '\x789c1d8b310e80201004ffb2b59a183b1f61e30b100f7351c178871686bf0b743b939d0fce58158c1f1eba858367bf159ad568cc1ec139a4d480d70c060d76f675bed2c9d02dd1eea4591f2c4a6b49277352fde64a6cb80a506c5f126d7ba41fa0f32531');


--
-- Data for Name: current_seals; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.current_seals VALUES (2, '\x454a32a8844e6299aec8160e19006abf736862511f72d9e637783dadce5b0900');
INSERT INTO evidence.current_seals VALUES (1, '\xbf2d50382bb8c2a68dc5c679359e375aa099b0fe7d2f551dbbbf855c154ff486');


--
-- Data for Name: current_state; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.current_state VALUES (2, 3, '\xda9f2a4f6aa3e37b924cee27d14c225c7114662e625e6303b3668597900d6cd6', '\x07c01056885aeba64792013589cfb51553b9d004f1e093c352021ad7c03f79dc', '\x6f651c0abdb70e801594007fe76310c2c110b55ba9a56cb25bb2d111cf801b57', '\x5b5b312c2270617373222c6e756c6c2c22225d5d', '\x5b313739333636343030303030303030305d');
INSERT INTO evidence.current_state VALUES (1, 2, '\xa049520cdc0547f1afbee5fdcecc4044b0bfc6e6cfe35a49a0380a3d62c49d3d', '\x868b88eff7e76d293a598b232b86b8e788ef191fa260ecd32fdeb99d8a34ca1e', '\x6f651c0abdb70e801594007fe76310c2c110b55ba9a56cb25bb2d111cf801b57', '\x5b5b312c2270617373222c6e756c6c2c22225d5d', '\x5b313739333932333230303030303030305d');


--
-- Data for Name: entries; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.entries VALUES (1, 1, 0, 0, 0, NULL, 1793491200000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b22616c676f726974686d223a2265643235353139222c226469676573745f6b6579223a2265623632333437643238333235343762376565626463313137393464316534613133393032616131616335353062303261643261376335346238343731303565222c226b696e64223a226b6579222c226f726967696e223a22616e6e6578612f676f6c64656e222c227075626c69635f6b6579223a2263353936343036626639613738373164373037653139626230356664633933323361323737323461616238633761343637386335366636316631633236613665222c227265636f72646564223a22323032362d31312d30315430303a30303a30302e3030303030305a222c227377656570223a302c2276223a317d');
INSERT INTO evidence.entries VALUES (2, 2, 0, 1, 0, NULL, 1793577600000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226166746572223a7b227265636569707473223a5b5d2c22726f6f74223a22222c2273697a65223a302c227374616d7073223a7b7d7d2c22636f6465223a22302e312e30222c2264657461696c73223a7b7d2c226b696e64223a22706c616e222c226d617070696e67223a22323032362e3131222c227265636f72646564223a22323032362d31312d30325430303a30303a30302e3030303030305a222c2273636f7065223a7b226e616d65223a2241434d45222c2276657273696f6e223a2233227d2c2273746172746564223a22323032362d31312d30325430303a30303a30302b30303a3030222c227377656570223a312c2274617267657473223a7b2270726f64223a317d2c2276223a317d');
INSERT INTO evidence.entries VALUES (3, 3, 1, 1, 1, 'complete', 1793577600000000, '\xdd91ad6bd7ad70c9a43dfda8bb9a479e447fb528ee6d62732320e80fd5d14413', '\x19f30c6be25daf8e1939090f54923f0f362702b024b8bbe7cf75e0265f635b5a', 2, 2, 0, 0, '\x7b226164646564223a322c226174746163686d656e7473223a7b226a6f75726e616c223a2265336230633434323938666331633134396166626634633839393666623932343237616534316534363439623933346361343935393931623738353262383535227d2c22617474656d7074223a312c226368616e676564223a302c2266696e6973686564223a22323032362d31312d30325430303a30303a30302b30303a3030222c22676f6e65223a302c226b696e64223a22756e6974222c226f62736572766564223a7b22323032362d31312d30325430303a30303a30302b30303a3030223a5b305d7d2c226f7574636f6d65223a22636f6d706c657465222c227061727473223a2238666638663932366234636633646633663937343761616631663238343138646164373632303466643262356338356630646166633332396334356264336135222c2270726f76656e616e6365223a7b7d2c227265636f72646564223a22323032362d31312d30325430303a30303a30302e3030303030305a222c227265736f7572636573223a322c2273746172746564223a22323032362d31312d30325430303a30303a30302b30303a3030222c227374617465223a2264643931616436626437616437306339613433646664613862623961343739653434376662353238656536643632373332333230653830666435643134343133222c227377656570223a312c22746172676574223a2270726f64222c22756e6368616e676564223a66616c73652c2276223a312c227665726469637473223a2231396633306336626532356461663865313933393039306635343932336630663336323730326230323462386262653763663735653032363566363335623561227d');
INSERT INTO evidence.entries VALUES (4, 4, 0, 1, 0, NULL, 1793577600000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226b696e64223a22636c6f7365222c227265636f72646564223a22323032362d31312d30325430303a30303a30302e3030303030305a222c2273756d6d617279223a7b7d2c227377656570223a312c2276223a317d');
INSERT INTO evidence.entries VALUES (5, 2, 0, 2, 0, NULL, 1793664000000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226166746572223a7b227265636569707473223a5b5d2c22726f6f74223a22222c2273697a65223a302c227374616d7073223a7b7d7d2c22636f6465223a22302e312e30222c2264657461696c73223a7b7d2c226b696e64223a22706c616e222c226d617070696e67223a22323032362e3131222c227265636f72646564223a22323032362d31312d30335430303a30303a30302e3030303030305a222c2273636f7065223a7b226e616d65223a2241434d45222c2276657273696f6e223a2233227d2c2273746172746564223a22323032362d31312d30335430303a30303a30302b30303a3030222c227377656570223a322c2274617267657473223a7b2264617461223a317d2c2276223a317d');
INSERT INTO evidence.entries VALUES (6, 3, 2, 2, 1, 'complete', 1793664000000000, '\xc5120f6c345a70d8f93a985fd9eb1ee2cae0daaf4b5c615c7ad09ee950d3c44e', '\x719287f9163a8ee2d56dc509218d0e82811398908b1a41a01be6819ef202a94b', 1, 1, 0, 0, '\x7b226164646564223a312c226174746163686d656e7473223a7b7d2c22617474656d7074223a312c226368616e676564223a302c2266696e6973686564223a22323032362d31312d30335430303a30303a30302b30303a3030222c22676f6e65223a302c226b696e64223a22756e6974222c226f62736572766564223a7b22323032362d31312d30335430303a30303a30302b30303a3030223a5b305d7d2c226f7574636f6d65223a22636f6d706c657465222c227061727473223a2238666638663932366234636633646633663937343761616631663238343138646164373632303466643262356338356630646166633332396334356264336135222c2270726f76656e616e6365223a7b7d2c227265636f72646564223a22323032362d31312d30335430303a30303a30302e3030303030305a222c227265736f7572636573223a312c2273746172746564223a22323032362d31312d30335430303a30303a30302b30303a3030222c227374617465223a2263353132306636633334356137306438663933613938356664396562316565326361653064616166346235633631356337616430396565393530643363343465222c227377656570223a322c22746172676574223a2264617461222c22756e6368616e676564223a66616c73652c2276223a312c227665726469637473223a2237313932383766393136336138656532643536646335303932313864306538323831313339383930386231613431613031626536383139656632303261393462227d');
INSERT INTO evidence.entries VALUES (7, 4, 0, 2, 0, NULL, 1793664000000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226b696e64223a22636c6f7365222c227265636f72646564223a22323032362d31312d30335430303a30303a30302e3030303030305a222c2273756d6d617279223a7b7d2c227377656570223a322c2276223a317d');
INSERT INTO evidence.entries VALUES (8, 2, 0, 3, 0, NULL, 1793750400000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226166746572223a7b227265636569707473223a5b5d2c22726f6f74223a22222c2273697a65223a302c227374616d7073223a7b7d7d2c22636f6465223a22302e312e30222c2264657461696c73223a7b7d2c226b696e64223a22706c616e222c226d617070696e67223a22323032362e3131222c227265636f72646564223a22323032362d31312d30345430303a30303a30302e3030303030305a222c2273636f7065223a7b226e616d65223a2241434d45222c2276657273696f6e223a2233227d2c2273746172746564223a22323032362d31312d30345430303a30303a30302b30303a3030222c227377656570223a332c2274617267657473223a7b2270726f64223a317d2c2276223a317d');
INSERT INTO evidence.entries VALUES (9, 3, 1, 3, 1, 'complete', 1793750400000000, '\x48abb219fb0cbdbeb2cbeda33a97180b71d4488efff77f9f25123ab64524dbcc', '\xf026eb841f468852ff854a38ef78c02fac32987ae62b56bbd8c3f917af6e5a29', 2, 0, 1, 0, '\x7b226164646564223a302c226174746163686d656e7473223a7b7d2c22617474656d7074223a312c226368616e676564223a312c2266696e6973686564223a22323032362d31312d30345430303a30303a30302b30303a3030222c22676f6e65223a302c226b696e64223a22756e6974222c226f62736572766564223a7b22323032362d31312d30315430303a30303a30305a223a5b305d7d2c226f7574636f6d65223a22636f6d706c657465222c227061727473223a2263663763376635353562653833656662323330386162383936653235633961656330643164376230353366343430316533376363636664303562643961366530222c2270726f76656e616e6365223a7b7d2c227265636f72646564223a22323032362d31312d30345430303a30303a30302e3030303030305a222c227265736f7572636573223a322c2273746172746564223a22323032362d31312d30345430303a30303a30302b30303a3030222c227374617465223a2234386162623231396662306362646265623263626564613333613937313830623731643434383865666666373766396632353132336162363435323464626363222c227377656570223a332c22746172676574223a2270726f64222c22756e6368616e676564223a66616c73652c2276223a312c227665726469637473223a2266303236656238343166343638383532666638353461333865663738633032666163333239383761653632623536626264386333663931376166366535613239227d');
INSERT INTO evidence.entries VALUES (10, 4, 0, 3, 0, NULL, 1793750400000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226b696e64223a22636c6f7365222c227265636f72646564223a22323032362d31312d30345430303a30303a30302e3030303030305a222c2273756d6d617279223a7b7d2c227377656570223a332c2276223a317d');
INSERT INTO evidence.entries VALUES (11, 2, 0, 4, 0, NULL, 1793836800000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226166746572223a7b227265636569707473223a5b5d2c22726f6f74223a22222c2273697a65223a302c227374616d7073223a7b7d7d2c22636f6465223a22302e312e30222c2264657461696c73223a7b7d2c226b696e64223a22706c616e222c226d617070696e67223a22323032362e3131222c227265636f72646564223a22323032362d31312d30355430303a30303a30302e3030303030305a222c2273636f7065223a7b226e616d65223a2241434d45222c2276657273696f6e223a2233227d2c2273746172746564223a22323032362d31312d30355430303a30303a30302b30303a3030222c227377656570223a342c2274617267657473223a7b2270726f64223a317d2c2276223a317d');
INSERT INTO evidence.entries VALUES (12, 3, 1, 4, 1, 'complete', 1793836800000000, '\xaaed54ea57f975419c1e5397e3f64120d56a35b681588becadfe0346ef87acbf', '\xb5f330089b1d6eee0dba7def429e337f280f2b2010d3290f675bd242e49bea55', 1, 0, 0, 1, '\x7b226164646564223a302c226174746163686d656e7473223a7b7d2c22617474656d7074223a312c226368616e676564223a302c2266696e6973686564223a22323032362d31312d30355430303a30303a30302b30303a3030222c22676f6e65223a312c226b696e64223a22756e6974222c226f62736572766564223a7b22323032362d31312d30355430303a30303a30302b30303a3030223a5b305d7d2c226f7574636f6d65223a22636f6d706c657465222c227061727473223a2238666638663932366234636633646633663937343761616631663238343138646164373632303466643262356338356630646166633332396334356264336135222c2270726f76656e616e6365223a7b7d2c227265636f72646564223a22323032362d31312d30355430303a30303a30302e3030303030305a222c227265736f7572636573223a312c2273746172746564223a22323032362d31312d30355430303a30303a30302b30303a3030222c227374617465223a2261616564353465613537663937353431396331653533393765336636343132306435366133356236383135383862656361646665303334366566383761636266222c227377656570223a342c22746172676574223a2270726f64222c22756e6368616e676564223a66616c73652c2276223a312c227665726469637473223a2262356633333030383962316436656565306462613764656634323965333337663238306632623230313064333239306636373562643234326534396265613535227d');
INSERT INTO evidence.entries VALUES (13, 4, 0, 4, 0, NULL, 1793836800000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226b696e64223a22636c6f7365222c227265636f72646564223a22323032362d31312d30355430303a30303a30302e3030303030305a222c2273756d6d617279223a7b7d2c227377656570223a342c2276223a317d');
INSERT INTO evidence.entries VALUES (14, 2, 0, 5, 0, NULL, 1793923200000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226166746572223a7b227265636569707473223a5b5d2c22726f6f74223a2261383334383230316339666235383764333564636631626434616536363366636138363266346562393237343335653064613232623334326136616462623265222c2273697a65223a31332c227374616d7073223a7b7d7d2c22636f6465223a22302e312e30222c2264657461696c73223a7b7d2c226b696e64223a22706c616e222c226d617070696e67223a22323032362e3131222c227265636f72646564223a22323032362d31312d30365430303a30303a30302e3030303030305a222c2273636f7065223a7b226e616d65223a2241434d45222c2276657273696f6e223a2233227d2c2273746172746564223a22323032362d31312d30365430303a30303a30302b30303a3030222c227377656570223a352c2274617267657473223a7b2270726f64223a317d2c2276223a317d');
INSERT INTO evidence.entries VALUES (15, 3, 1, 5, 1, 'complete', 1793923200000000, '\x23816437a96341af09b4d512874273c08414933a2741888974375b768bd63b91', '\x2bf99cc1a3ef5d775eb18c26bde24e582b007e5887ca740a11bec61fbfe9590b', 1, 0, 1, 0, '\x7b226164646564223a302c226174746163686d656e7473223a7b7d2c22617474656d7074223a312c226368616e676564223a312c2266696e6973686564223a22323032362d31312d30365430303a30303a30302b30303a3030222c22676f6e65223a302c226b696e64223a22756e6974222c226f62736572766564223a7b22323032362d31312d30365430303a30303a30302b30303a3030223a5b305d7d2c226f7574636f6d65223a22636f6d706c657465222c227061727473223a2238666638663932366234636633646633663937343761616631663238343138646164373632303466643262356338356630646166633332396334356264336135222c2270726f76656e616e6365223a7b7d2c227265636f72646564223a22323032362d31312d30365430303a30303a30302e3030303030305a222c227265736f7572636573223a312c2273746172746564223a22323032362d31312d30365430303a30303a30302b30303a3030222c227374617465223a2232333831363433376139363334316166303962346435313238373432373363303834313439333361323734313838383937343337356237363862643633623931222c227377656570223a352c22746172676574223a2270726f64222c22756e6368616e676564223a66616c73652c2276223a312c227665726469637473223a2232626639396363316133656635643737356562313863323662646532346535383262303037653538383763613734306131316265633631666266653935393062227d');
INSERT INTO evidence.entries VALUES (16, 4, 0, 5, 0, NULL, 1793923200000000, NULL, NULL, NULL, NULL, NULL, NULL, '\x7b226b696e64223a22636c6f7365222c227265636f72646564223a22323032362d31312d30365430303a30303a30302e3030303030305a222c2273756d6d617279223a7b7d2c227377656570223a352c2276223a317d');


--
-- Data for Name: erasures; Type: TABLE DATA; Schema: evidence; Owner: -
--



--
-- Data for Name: leaves; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.leaves VALUES (0, 1, '\x96d7460b0d456d3a83ddefd3a7e563b0145514d1c647bcbde06e1ce0f3a064f0');
INSERT INTO evidence.leaves VALUES (1, 2, '\x4c9224c948393eb70f15ec4542a009f9a9025eb874d1618d4eb5e12a1398b9da');
INSERT INTO evidence.leaves VALUES (2, 3, '\xe0c6f0b98ae14819aeab1f946e9cc8b40d4263622d8d47383c1f9401d8b833df');
INSERT INTO evidence.leaves VALUES (3, 4, '\xe9acddec3c27a5fe9f039325edc3a2354979b3a2f7e360bf3e780151a46abd23');
INSERT INTO evidence.leaves VALUES (4, 5, '\xcf2a0301c2a6ad0392fbca9db08b75f936edd5a240e6eda33762d9bbf7ee5e8d');
INSERT INTO evidence.leaves VALUES (5, 6, '\xd44d8153f75cff43caeb98363556527a5ec1446b46e19e4b6e651cb74bab83c5');
INSERT INTO evidence.leaves VALUES (6, 7, '\x2afb4fe0bed0373ecfb1caa0a3b5add824bacf9fe7ced0653bb784f032d9e539');
INSERT INTO evidence.leaves VALUES (7, 8, '\x83f8fc6ecbeadde64b9949671586ca25e6b45179775befc516f965a0d1b3a691');
INSERT INTO evidence.leaves VALUES (8, 9, '\x954e47cfe827756676fcf96dc6da68db36c314e2b9ebacee59d6cbce7247bb1b');
INSERT INTO evidence.leaves VALUES (9, 10, '\x7d246b6554b243f3cfa2a03c8ddd64e49c47ee7281994741f6ebbef779a834af');
INSERT INTO evidence.leaves VALUES (10, 11, '\xb99c0ac1251c8aa55a9b3a7dc0ab1df0e5843fb7863462531de5330c3820030c');
INSERT INTO evidence.leaves VALUES (11, 12, '\x850b4260e74638cd236397101be2da7ce8aa9f1128b97fdb627465b6c956ddba');
INSERT INTO evidence.leaves VALUES (12, 13, '\x36e12ba4568223b05eb856e42f64fedf569543af4770cead9f052a09015c6323');


--
-- Data for Name: observations; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.observations VALUES (2, 3, '\xa049520cdc0547f1afbee5fdcecc4044b0bfc6e6cfe35a49a0380a3d62c49d3d', 'eu-west-1');
INSERT INTO evidence.observations VALUES (1, 3, '\xc2a378557ab1ff711a433b4fbb1dc5b7f190a7ffca8670c257d02964aa539a7e', 'eu-west-1');
INSERT INTO evidence.observations VALUES (3, 6, '\xda9f2a4f6aa3e37b924cee27d14c225c7114662e625e6303b3668597900d6cd6', 'eu-west-1');
INSERT INTO evidence.observations VALUES (2, 9, '\x9e1748f6bf518b24f22deb6fce9ab4ed3f17a6a2c9e7eb07151f7458fde984f4', 'eu-west-1');
INSERT INTO evidence.observations VALUES (1, 12, NULL, NULL);
INSERT INTO evidence.observations VALUES (2, 15, '\xa049520cdc0547f1afbee5fdcecc4044b0bfc6e6cfe35a49a0380a3d62c49d3d', 'eu-west-1');


--
-- Data for Name: part_documents; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.part_documents VALUES ('\x8ff8f926b4cf3df3f9747aaf1f28418dad76204fd2b5c85f0dafc329c45bd3a5', 1, '\x789c4d8db10ac3300c44ff45b309856cf995d2c19135882896b1643a94fe7b154a4db77b77c7ddfd05987b672ab0d521920287d1042d7f5a84d0afe66d9276d8203f6db115121c5ccbe4651f789087dda89f6cc65a7f5b86da62182234ae383fccb35f3eead984422670f52cdffcfdf8004c463b14');
INSERT INTO evidence.part_documents VALUES ('\x5a692568ef89797a824f1ea6a51acf550d6ca3b8939972d2353d64759a6b3254', 1, '\x789c1dc8bb0d80300c00d15dd20292ede01f73d04529b0c1fb8f00423abde2c66856c6b78911e6aedda4f7789083541c2b259cc11d2a34c132ae872fbf8becdba5689c6d6d04241be20674021c7fcb6f9bf305e1d31834');
INSERT INTO evidence.part_documents VALUES ('\xcf7c7f555be83efb2308ab896e25c9aec0d1d7b053f4401e37cccfd05bd9a6e0', 1, '\x789c3d8dcd0ac3201084dfc5732889c6bfbe4ae961a31b90180d6ae8a1f4ddbb529adbccecec378f3773504a40cfee4c82b25c2a83abb1da6a307c5e2704057202b74a397ae5402cc60a6b35f75c48e1d5aca505b5082e673610ecac48288fa93329c89e7c3a63ec3a4674ad6f8d97cb85eaf0aab72aa8be85e42f7f5b4eb761a3f8c0b2875a434e7f5675f9e84374ac21399213a906ad8714e4fd884866602d3788bfb7cff30b9da04a93');


--
-- Data for Name: pending; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.pending VALUES (14);
INSERT INTO evidence.pending VALUES (15);
INSERT INTO evidence.pending VALUES (16);


--
-- Data for Name: reasons; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.reasons VALUES ('\xd21318ea4e5fb3279452c32dbbf7cce30a542b17a46aa5c26c765a32e929e00d', 'off: BlockPublicAcls');
INSERT INTO evidence.reasons VALUES ('\x9fc16de281e6338bab703cd2041ea17e01ffe1834108451ce184a24c8eafdf25', 's3:ListAllMyBuckets was refused');
INSERT INTO evidence.reasons VALUES ('\xad9383086fab689f59089b6dec61a6f198147b6cce11a1f49e2870e3e7fde7ac', 'off: BlockPublicAcls');


--
-- Data for Name: receipts; Type: TABLE DATA; Schema: evidence; Owner: -
--



--
-- Data for Name: remnants; Type: TABLE DATA; Schema: evidence; Owner: -
--



--
-- Data for Name: resources; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.resources VALUES (1, 1, 'aws.s3.bucket', '', 'b', '\x8f85d86821c4738633be15b27691fc6b950990fb7c08cbae5a9df28950f7185c');
INSERT INTO evidence.resources VALUES (2, 1, 'aws.s3.bucket', '', 'a', '\xb9568c60e2de834834d57e73d696d96d661f97c814760258032cf49e72d00b93');
INSERT INTO evidence.resources VALUES (3, 2, 'aws.s3.bucket', '', 'u', '\xdfec01b08d19b82c2fff28c2d84c21887bcf36244a90ce3f614e4b3a2d0b5a2c');


--
-- Data for Name: targets; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.targets VALUES (1, 'prod');
INSERT INTO evidence.targets VALUES (2, 'data');


--
-- Data for Name: verdicts; Type: TABLE DATA; Schema: evidence; Owner: -
--

INSERT INTO evidence.verdicts VALUES (2, 1, 3, 1, NULL, NULL, 1793577600000000);
INSERT INTO evidence.verdicts VALUES (1, 1, 3, 2, NULL, '\xd21318ea4e5fb3279452c32dbbf7cce30a542b17a46aa5c26c765a32e929e00d', 1793577600000000);
INSERT INTO evidence.verdicts VALUES (1, 2, 3, 2, NULL, '\xd21318ea4e5fb3279452c32dbbf7cce30a542b17a46aa5c26c765a32e929e00d', 1793577600000000);
INSERT INTO evidence.verdicts VALUES (3, 1, 6, 1, NULL, NULL, 1793664000000000);
INSERT INTO evidence.verdicts VALUES (1, 1, 9, 4, 1, '\x9fc16de281e6338bab703cd2041ea17e01ffe1834108451ce184a24c8eafdf25', 1793491200000000);
INSERT INTO evidence.verdicts VALUES (1, 2, 9, 0, NULL, NULL, 1793750400000000);
INSERT INTO evidence.verdicts VALUES (2, 1, 12, 2, NULL, '\xad9383086fab689f59089b6dec61a6f198147b6cce11a1f49e2870e3e7fde7ac', 1793836800000000);
INSERT INTO evidence.verdicts VALUES (1, 1, 12, 0, NULL, NULL, 1793836800000000);
INSERT INTO evidence.verdicts VALUES (2, 1, 15, 1, NULL, NULL, 1793923200000000);


--
-- Name: accesses_id_seq; Type: SEQUENCE SET; Schema: evidence; Owner: -
--

SELECT pg_catalog.setval('evidence.accesses_id_seq', 1, false);


--
-- Name: checks_id_seq; Type: SEQUENCE SET; Schema: evidence; Owner: -
--

SELECT pg_catalog.setval('evidence.checks_id_seq', 2, true);


--
-- Name: entries_id_seq; Type: SEQUENCE SET; Schema: evidence; Owner: -
--

SELECT pg_catalog.setval('evidence.entries_id_seq', 16, true);


--
-- Name: remnants_id_seq; Type: SEQUENCE SET; Schema: evidence; Owner: -
--

SELECT pg_catalog.setval('evidence.remnants_id_seq', 1, false);


--
-- Name: resources_id_seq; Type: SEQUENCE SET; Schema: evidence; Owner: -
--

SELECT pg_catalog.setval('evidence.resources_id_seq', 3, true);


--
-- Name: targets_id_seq; Type: SEQUENCE SET; Schema: evidence; Owner: -
--

SELECT pg_catalog.setval('evidence.targets_id_seq', 2, true);


--
-- Name: access_seals access_seals_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.access_seals
    ADD CONSTRAINT access_seals_pkey PRIMARY KEY (access_id);


--
-- Name: accesses accesses_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.accesses
    ADD CONSTRAINT accesses_pkey PRIMARY KEY (id);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: attachments attachments_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.attachments
    ADD CONSTRAINT attachments_pkey PRIMARY KEY (entry_id, name);


--
-- Name: checkpoints checkpoints_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (size);


--
-- Name: checks checks_digest_key; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.checks
    ADD CONSTRAINT checks_digest_key UNIQUE (digest);


--
-- Name: checks checks_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.checks
    ADD CONSTRAINT checks_pkey PRIMARY KEY (id);


--
-- Name: contents contents_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.contents
    ADD CONSTRAINT contents_pkey PRIMARY KEY (digest);


--
-- Name: current_seals current_seals_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.current_seals
    ADD CONSTRAINT current_seals_pkey PRIMARY KEY (target_id);


--
-- Name: current_state current_state_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.current_state
    ADD CONSTRAINT current_state_pkey PRIMARY KEY (target_id, resource_id);


--
-- Name: entries entries_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (id);


--
-- Name: entries entries_target_id_kind_sweep_attempt_key; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.entries
    ADD CONSTRAINT entries_target_id_kind_sweep_attempt_key UNIQUE (target_id, kind, sweep, attempt);


--
-- Name: erasures erasures_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (resource_id, member);


--
-- Name: leaves leaves_entry_id_key; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.leaves
    ADD CONSTRAINT leaves_entry_id_key UNIQUE (entry_id);


--
-- Name: leaves leaves_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.leaves
    ADD CONSTRAINT leaves_pkey PRIMARY KEY ("position");


--
-- Name: observations observations_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.observations
    ADD CONSTRAINT observations_pkey PRIMARY KEY (resource_id, entry_id);


--
-- Name: part_documents part_documents_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.part_documents
    ADD CONSTRAINT part_documents_pkey PRIMARY KEY (digest);


--
-- Name: pending pending_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.pending
    ADD CONSTRAINT pending_pkey PRIMARY KEY (entry_id);


--
-- Name: reasons reasons_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.reasons
    ADD CONSTRAINT reasons_pkey PRIMARY KEY (digest);


--
-- Name: receipts receipts_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (size, kind, name);


--
-- Name: remnants remnants_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.remnants
    ADD CONSTRAINT remnants_pkey PRIMARY KEY (id);


--
-- Name: resources resources_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.resources
    ADD CONSTRAINT resources_pkey PRIMARY KEY (id);


--
-- Name: resources resources_target_id_key_digest_key; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.resources
    ADD CONSTRAINT resources_target_id_key_digest_key UNIQUE (target_id, key_digest);


--
-- Name: targets targets_name_key; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.targets
    ADD CONSTRAINT targets_name_key UNIQUE (name);


--
-- Name: targets targets_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.targets
    ADD CONSTRAINT targets_pkey PRIMARY KEY (id);


--
-- Name: verdicts verdicts_pkey; Type: CONSTRAINT; Schema: evidence; Owner: -
--

ALTER TABLE ONLY evidence.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (resource_id, check_id, entry_id);


--
-- Name: ix_remnants_whose; Type: INDEX; Schema: evidence; Owner: -
--

CREATE INDEX ix_remnants_whose ON evidence.remnants USING btree (whose);


--
-- Name: access_seals append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.access_seals FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.access_seals ENABLE ALWAYS TRIGGER append_only;


--
-- Name: accesses append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.accesses FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.accesses ENABLE ALWAYS TRIGGER append_only;


--
-- Name: attachments append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence.attachments FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.attachments ENABLE ALWAYS TRIGGER append_only;


--
-- Name: checkpoints append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.checkpoints ENABLE ALWAYS TRIGGER append_only;


--
-- Name: checks append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.checks FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.checks ENABLE ALWAYS TRIGGER append_only;


--
-- Name: contents append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence.contents FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.contents ENABLE ALWAYS TRIGGER append_only;


--
-- Name: entries append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.entries FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.entries ENABLE ALWAYS TRIGGER append_only;


--
-- Name: erasures append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.erasures FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.erasures ENABLE ALWAYS TRIGGER append_only;


--
-- Name: leaves append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.leaves FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.leaves ENABLE ALWAYS TRIGGER append_only;


--
-- Name: observations append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence.observations FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.observations ENABLE ALWAYS TRIGGER append_only;


--
-- Name: part_documents append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.part_documents FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.part_documents ENABLE ALWAYS TRIGGER append_only;


--
-- Name: reasons append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence.reasons FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.reasons ENABLE ALWAYS TRIGGER append_only;


--
-- Name: receipts append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.receipts FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.receipts ENABLE ALWAYS TRIGGER append_only;


--
-- Name: remnants append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence.remnants FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.remnants ENABLE ALWAYS TRIGGER append_only;


--
-- Name: resources append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence.resources FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.resources ENABLE ALWAYS TRIGGER append_only;


--
-- Name: targets append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.targets FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.targets ENABLE ALWAYS TRIGGER append_only;


--
-- Name: verdicts append_only; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON evidence.verdicts FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.verdicts ENABLE ALWAYS TRIGGER append_only;


--
-- Name: attachments only_emptied; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER only_emptied BEFORE UPDATE ON evidence.attachments FOR EACH ROW WHEN ((NOT ((old.body IS NOT NULL) AND (new.sha256 IS NULL) AND (new.size IS NULL) AND (new.body IS NULL) AND (NOT (new.entry_id IS DISTINCT FROM old.entry_id)) AND (NOT (new.name IS DISTINCT FROM old.name)) AND (NOT (new.codec IS DISTINCT FROM old.codec))))) EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.attachments ENABLE ALWAYS TRIGGER only_emptied;


--
-- Name: contents only_emptied; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER only_emptied BEFORE UPDATE ON evidence.contents FOR EACH ROW WHEN ((NOT ((old.body IS NOT NULL) AND (new.sha256 IS NULL) AND (new.size IS NULL) AND (new.body IS NULL) AND (NOT (new.digest IS DISTINCT FROM old.digest)) AND (NOT (new.codec IS DISTINCT FROM old.codec))))) EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.contents ENABLE ALWAYS TRIGGER only_emptied;


--
-- Name: observations only_emptied; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER only_emptied BEFORE UPDATE ON evidence.observations FOR EACH ROW WHEN ((NOT ((old.scope IS NOT NULL) AND (new.scope IS NULL) AND (NOT (new.resource_id IS DISTINCT FROM old.resource_id)) AND (NOT (new.entry_id IS DISTINCT FROM old.entry_id)) AND (NOT (new.content IS DISTINCT FROM old.content))))) EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.observations ENABLE ALWAYS TRIGGER only_emptied;


--
-- Name: reasons only_emptied; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER only_emptied BEFORE UPDATE ON evidence.reasons FOR EACH ROW WHEN ((NOT ((old.reason IS NOT NULL) AND (new.reason IS NULL) AND (NOT (new.digest IS DISTINCT FROM old.digest))))) EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.reasons ENABLE ALWAYS TRIGGER only_emptied;


--
-- Name: remnants only_emptied; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER only_emptied BEFORE UPDATE ON evidence.remnants FOR EACH ROW WHEN ((NOT ((old.body IS NOT NULL) AND (new.body IS NULL) AND (NOT (new.id IS DISTINCT FROM old.id)) AND (NOT (new.whose IS DISTINCT FROM old.whose)) AND (NOT (new.codec IS DISTINCT FROM old.codec))))) EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.remnants ENABLE ALWAYS TRIGGER only_emptied;


--
-- Name: resources only_emptied; Type: TRIGGER; Schema: evidence; Owner: -
--

CREATE TRIGGER only_emptied BEFORE UPDATE ON evidence.resources FOR EACH ROW WHEN ((NOT ((old.identity IS NOT NULL) AND (new.identity IS NULL) AND (NOT (new.id IS DISTINCT FROM old.id)) AND (NOT (new.target_id IS DISTINCT FROM old.target_id)) AND (NOT (new.kind IS DISTINCT FROM old.kind)) AND (NOT (new.scope IS DISTINCT FROM old.scope)) AND (NOT (new.key_digest IS DISTINCT FROM old.key_digest))))) EXECUTE FUNCTION evidence.refuse_change();

ALTER TABLE evidence.resources ENABLE ALWAYS TRIGGER only_emptied;


--
-- PostgreSQL database dump complete
--


