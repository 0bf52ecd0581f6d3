-- PostgreSQL's catalogue as clients ask for it, of the tables in rel and col. The macros are its
-- functions, with pgc_ before their names; the views of information_schema have its name before theirs.
create table rel (oid bigint, name varchar);
create table col (rel bigint, num integer, name varchar, typ bigint, typmod integer, words varchar);

create type name as varchar;
create type regclass as varchar;
create type regproc as varchar;
create type regtype as varchar;
create type regnamespace as varchar;
create type regrole as varchar;
create type "_text" as varchar[];
create type "_name" as varchar[];
create type int2vector as smallint[];
create type oidvector as bigint[];
create type "cardinal_number" as integer;
create type "sql_identifier" as varchar;

create view pg_namespace as select *, null::varchar as nspacl from (values
    (11::bigint, 'pg_catalog', 10::bigint), (2200, 'public', 10), (13000, 'information_schema', 10)) t(oid, nspname, nspowner);

create view pg_type as select oid::bigint as oid, typname, 11::bigint as typnamespace, 10::bigint as typowner, typlen::smallint as typlen, (typlen between 1 and 8) as typbyval,
    case when typcategory = 'P' then 'p' else 'b' end as typtype, typcategory, false as typispreferred, true as typisdefined, ',' as typdelim,
    0::bigint as typrelid, typelem::bigint as typelem, typarray::bigint as typarray,
    case when typcategory = 'A' then 'array_in' else typname || case when typname in ('json', 'jsonb', 'uuid', 'numeric', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'void', 'record') then '_in' else 'in' end end as typinput,
    case when typcategory = 'A' then 'array_out' else typname || 'out' end as typoutput, case when typcategory = 'A' then 'array_recv' else typname || 'recv' end as typreceive,
    case when typcategory = 'A' then 'array_send' else typname || 'send' end as typsend, '-' as typmodin, '-' as typmodout, '-' as typanalyze, case when typcategory = 'A' then 'array_subscript_handler' else '-' end as typsubscript,
    'i' as typalign, 'p' as typstorage, false as typnotnull, 0::bigint as typbasetype, -1 as typtypmod, 0 as typndims, 0::bigint as typcollation, null::varchar as typdefault, null::varchar as typdefaultbin, null::varchar as typacl, words
from (
    select oid, typname, typlen, typcategory, 0 as typelem, typarray, words from (values
        (16, 'bool', 1, 'B', 1000, 'boolean'), (17, 'bytea', -1, 'U', 1001, 'bytea'), (18, 'char', 1, 'Z', 1002, '"char"'), (19, 'name', 64, 'S', 1003, 'name'),
        (20, 'int8', 8, 'N', 1016, 'bigint'), (21, 'int2', 2, 'N', 1005, 'smallint'), (23, 'int4', 4, 'N', 1007, 'integer'), (24, 'regproc', 4, 'N', 1008, 'regproc'),
        (25, 'text', -1, 'S', 1009, 'text'), (26, 'oid', 4, 'N', 1028, 'oid'), (114, 'json', -1, 'U', 199, 'json'), (700, 'float4', 4, 'N', 1021, 'real'),
        (701, 'float8', 8, 'N', 1022, 'double precision'), (705, 'unknown', -2, 'X', 0, 'unknown'), (1042, 'bpchar', -1, 'S', 1014, 'character'),
        (1043, 'varchar', -1, 'S', 1015, 'character varying'), (1082, 'date', 4, 'D', 1182, 'date'), (1083, 'time', 8, 'D', 1183, 'time without time zone'),
        (1114, 'timestamp', 8, 'D', 1115, 'timestamp without time zone'), (1184, 'timestamptz', 8, 'D', 1185, 'timestamp with time zone'), (1186, 'interval', 16, 'T', 1187, 'interval'),
        (1266, 'timetz', 12, 'D', 1270, 'time with time zone'), (1700, 'numeric', -1, 'N', 1231, 'numeric'), (2205, 'regclass', 4, 'N', 2210, 'regclass'),
        (2249, 'record', -1, 'P', 2287, 'record'), (2278, 'void', 4, 'P', 0, 'void'), (2950, 'uuid', 16, 'U', 2951, 'uuid'), (3802, 'jsonb', -1, 'U', 3807, 'jsonb')
    ) t(oid, typname, typlen, typcategory, typarray, words)
    union all
    select oid, '_' || typname, -1, 'A', elem, 0, words || '[]' from (values
        (1000, 'bool', 16, 'boolean'), (1001, 'bytea', 17, 'bytea'), (1002, 'char', 18, '"char"'), (1003, 'name', 19, 'name'), (1016, 'int8', 20, 'bigint'), (1005, 'int2', 21, 'smallint'),
        (1007, 'int4', 23, 'integer'), (1008, 'regproc', 24, 'regproc'), (1009, 'text', 25, 'text'), (1028, 'oid', 26, 'oid'), (199, 'json', 114, 'json'), (1021, 'float4', 700, 'real'),
        (1022, 'float8', 701, 'double precision'), (1014, 'bpchar', 1042, 'character'), (1015, 'varchar', 1043, 'character varying'), (1182, 'date', 1082, 'date'),
        (1183, 'time', 1083, 'time without time zone'), (1115, 'timestamp', 1114, 'timestamp without time zone'), (1185, 'timestamptz', 1184, 'timestamp with time zone'),
        (1187, 'interval', 1186, 'interval'), (1270, 'timetz', 1266, 'time with time zone'), (1231, 'numeric', 1700, 'numeric'), (2210, 'regclass', 2205, 'regclass'),
        (2287, 'record', 2249, 'record'), (2951, 'uuid', 2950, 'uuid'), (3807, 'jsonb', 3802, 'jsonb')
    ) a(oid, typname, elem, words)
) t;

create view pg_class as select oid, name as relname, 2200::bigint as relnamespace, 0::bigint as reltype, 0::bigint as reloftype, 10::bigint as relowner, 2::bigint as relam, oid as relfilenode,
    0::bigint as reltablespace, 0 as relpages, -1::real as reltuples, 0 as relallvisible, 0::bigint as reltoastrelid, false as relhasindex, false as relisshared, 'p' as relpersistence, 'r' as relkind,
    (select count(*) from col c where c.rel = r.oid)::smallint as relnatts, 0::smallint as relchecks, false as relhasrules, false as relhastriggers, false as relhassubclass, false as relrowsecurity, false as relforcerowsecurity,
    true as relispopulated, 'd' as relreplident, false as relispartition, 0::bigint as relrewrite, 0::bigint as relfrozenxid, 0::bigint as relminmxid, null::varchar[] as relacl, null::varchar[] as reloptions, null::varchar as relpartbound
from rel r;

create view pg_attribute as select rel as attrelid, c.name as attname, c.typ as atttypid, 0 as attstattarget, t.typlen as attlen, c.num::smallint as attnum, 0 as attndims, -1 as attcacheoff, c.typmod as atttypmod,
    false as attbyval, 'p' as attstorage, 'i' as attalign, '' as attcompression, false as attnotnull, false as atthasdef, false as atthasmissing, '' as attidentity, '' as attgenerated, false as attisdropped, true as attislocal,
    0 as attinhcount, 0::bigint as attcollation, null::varchar[] as attacl, null::varchar[] as attoptions, null::varchar[] as attfdwoptions
from col c join pg_type t on t.oid = c.typ;

create view pg_database as select 16000::bigint as oid, 'clientele' as datname, 10::bigint as datdba, 6 as encoding, 'C.UTF-8' as datcollate, 'C.UTF-8' as datctype, 'c' as datlocprovider, null::varchar as daticulocale,
    null::varchar as daticurules, null::varchar as datcollversion, false as datistemplate, true as datallowconn, -1 as datconnlimit, 1663::bigint as dattablespace, null::varchar[] as datacl;
create view pg_roles as select 10::bigint as oid, 'clientele' as rolname, false as rolsuper, true as rolinherit, false as rolcreaterole, false as rolcreatedb, true as rolcanlogin, false as rolreplication, -1 as rolconnlimit,
    null::varchar as rolpassword, null::timestamptz as rolvaliduntil, false as rolbypassrls, null::varchar[] as rolconfig;
create view pg_authid as select * from pg_roles;
create view pg_user as select rolname as usename, oid as usesysid, rolcreatedb as usecreatedb, rolsuper as usesuper, null::timestamptz as valuntil, null::varchar[] as useconfig from pg_roles;
create view pg_am as select 2::bigint as oid, 'heap' as amname, 'heap_tableam_handler' as amhandler, 't' as amtype;
create view pg_tablespace as select 1663::bigint as oid, 'pg_default' as spcname, 10::bigint as spcowner, null::varchar[] as spcacl, null::varchar[] as spcoptions;
create view pg_collation as select 100::bigint as oid, 'default' as collname, 11::bigint as collnamespace, 10::bigint as collowner, 'd' as collprovider, true as collisdeterministic, -1 as collencoding, null::varchar as collcollate;
create view pg_tables as select 'public' as schemaname, name as tablename, 'clientele' as tableowner, null::varchar as "tablespace", false as hasindexes, false as hasrules, false as hastriggers, false as rowsecurity from rel;
create view pg_settings as select name, setting, null::varchar as unit, 'Clientele' as category, '' as short_desc, 'internal' as context, 'string' as vartype, 'default' as source, setting as boot_val, setting as reset_val, false as pending_restart
from (values ('server_version', '15.0'), ('server_version_num', '150000'), ('server_encoding', 'UTF8'), ('client_encoding', 'UTF8'), ('search_path', 'public'), ('TimeZone', 'UTC'), ('max_index_keys', '32'),
    ('standard_conforming_strings', 'on'), ('max_identifier_length', '63'), ('transaction_isolation', 'repeatable read'), ('default_transaction_read_only', 'on')) t(name, setting);

-- What there is none of.
create table pg_index (indexrelid bigint, indrelid bigint, indnatts smallint, indnkeyatts smallint, indisunique boolean, indnullsnotdistinct boolean, indisprimary boolean, indisexclusion boolean, indimmediate boolean,
    indisclustered boolean, indisvalid boolean, indcheckxmin boolean, indisready boolean, indislive boolean, indisreplident boolean, indkey smallint[], indcollation bigint[], indclass bigint[], indoption smallint[], indexprs varchar, indpred varchar);
create table pg_constraint (oid bigint, conname varchar, connamespace bigint, contype varchar, condeferrable boolean, condeferred boolean, convalidated boolean, conrelid bigint, contypid bigint, conindid bigint, conparentid bigint,
    confrelid bigint, confupdtype varchar, confdeltype varchar, confmatchtype varchar, conislocal boolean, coninhcount integer, connoinherit boolean, conkey smallint[], confkey smallint[], conbin varchar);
create table pg_attrdef (oid bigint, adrelid bigint, adnum smallint, adbin varchar);
create table pg_description (objoid bigint, classoid bigint, objsubid integer, description varchar);
create table pg_shdescription (objoid bigint, classoid bigint, description varchar);
create table pg_inherits (inhrelid bigint, inhparent bigint, inhseqno integer, inhdetachpending boolean);
create table pg_policy (oid bigint, polname varchar, polrelid bigint, polcmd varchar, polpermissive boolean, polroles bigint[], polqual varchar, polwithcheck varchar);
create table pg_trigger (oid bigint, tgrelid bigint, tgparentid bigint, tgname varchar, tgfoid bigint, tgtype smallint, tgenabled varchar, tgisinternal boolean, tgconstraint bigint, tgdeferrable boolean);
create table pg_rewrite (oid bigint, rulename varchar, ev_class bigint, ev_type varchar, ev_enabled varchar, is_instead boolean);
create table pg_depend (classid bigint, objid bigint, objsubid integer, refclassid bigint, refobjid bigint, refobjsubid integer, deptype varchar);
create table pg_proc (oid bigint, proname varchar, pronamespace bigint, proowner bigint, prolang bigint, prokind varchar, proretset boolean, provolatile varchar, pronargs smallint, prorettype bigint, proargtypes bigint[], proallargtypes bigint[],
    proargmodes varchar[], proargnames varchar[], prosrc varchar, probin varchar, proacl varchar[], prosecdef boolean, proparallel varchar, provariadic bigint, proisstrict boolean, proleakproof boolean);
create table pg_enum (oid bigint, enumtypid bigint, enumsortorder real, enumlabel varchar);
create table pg_range (rngtypid bigint, rngsubtype bigint, rngmultitypid bigint, rngcollation bigint, rngsubopc bigint, rngcanonical varchar, rngsubdiff varchar);
create table pg_extension (oid bigint, extname varchar, extowner bigint, extnamespace bigint, extrelocatable boolean, extversion varchar);
create table pg_language (oid bigint, lanname varchar, lanowner bigint);
create table pg_cast (oid bigint, castsource bigint, casttarget bigint, castfunc bigint, castcontext varchar, castmethod varchar);
create table pg_operator (oid bigint, oprname varchar, oprnamespace bigint, oprkind varchar, oprleft bigint, oprright bigint, oprresult bigint, oprcode varchar);
create table pg_aggregate (aggfnoid varchar, aggkind varchar);
create table pg_opclass (oid bigint, opcmethod bigint, opcname varchar, opcnamespace bigint);
create table pg_auth_members (roleid bigint, member bigint, grantor bigint, admin_option boolean);
create table pg_db_role_setting (setdatabase bigint, setrole bigint, setconfig varchar[]);
create table pg_default_acl (oid bigint, defaclrole bigint, defaclnamespace bigint, defaclobjtype varchar, defaclacl varchar[]);
create table pg_views (schemaname varchar, viewname varchar, viewowner varchar, definition varchar);
create table pg_matviews (schemaname varchar, matviewname varchar, matviewowner varchar, "tablespace" varchar, hasindexes boolean, ispopulated boolean, definition varchar);
create table pg_indexes (schemaname varchar, tablename varchar, indexname varchar, "tablespace" varchar, indexdef varchar);
create table pg_sequence (seqrelid bigint, seqtypid bigint, seqstart bigint, seqincrement bigint, seqmax bigint, seqmin bigint, seqcache bigint, seqcycle boolean);
create table pg_sequences (schemaname varchar, sequencename varchar, sequenceowner varchar, data_type varchar, last_value bigint);
create table pg_partitioned_table (partrelid bigint, partstrat varchar, partnatts smallint, partdefid bigint, partattrs smallint[], partexprs varchar);
create table pg_publication (oid bigint, pubname varchar, pubowner bigint, puballtables boolean, pubinsert boolean, pubupdate boolean, pubdelete boolean, pubtruncate boolean, pubviaroot boolean);
create table pg_publication_rel (oid bigint, prpubid bigint, prrelid bigint, prqual varchar, prattrs smallint[]);
create table pg_publication_namespace (oid bigint, pnpubid bigint, pnnspid bigint);
create table pg_subscription (oid bigint, subname varchar, subowner bigint, subenabled boolean);
create table pg_statistic_ext (oid bigint, stxrelid bigint, stxname varchar, stxnamespace bigint, stxowner bigint, stxkeys smallint[], stxkind varchar[], stxstattarget integer, stxexprs varchar);
create table pg_foreign_table (ftrelid bigint, ftserver bigint, ftoptions varchar[]);
create table pg_foreign_server (oid bigint, srvname varchar, srvowner bigint, srvfdw bigint, srvtype varchar, srvversion varchar, srvacl varchar[], srvoptions varchar[]);
create table pg_foreign_data_wrapper (oid bigint, fdwname varchar, fdwowner bigint, fdwhandler bigint, fdwvalidator bigint);
create table pg_event_trigger (oid bigint, evtname varchar, evtevent varchar, evtowner bigint, evtfoid bigint, evtenabled varchar, evttags varchar[]);
create table pg_stat_activity (datid bigint, datname varchar, pid integer, usesysid bigint, usename varchar, application_name varchar, state varchar, query varchar, query_start timestamptz, backend_type varchar);
create table pg_stat_user_tables (relid bigint, schemaname varchar, relname varchar, seq_scan bigint, n_live_tup bigint, n_dead_tup bigint);
create table pg_locks (locktype varchar, database bigint, relation bigint, pid integer, mode varchar, granted boolean);
create table pg_timezone_names (name varchar, abbrev varchar, utc_offset interval, is_dst boolean);
create table pg_prepared_statements (name varchar, statement varchar, prepare_time timestamptz, from_sql boolean);
create table pg_cursors (name varchar, statement varchar, is_holdable boolean, is_binary boolean, is_scrollable boolean, creation_time timestamptz);

create view information_schema_schemata as select 'clientele' as catalog_name, nspname as schema_name, 'clientele' as schema_owner, null::varchar as default_character_set_catalog, null::varchar as default_character_set_schema,
    null::varchar as default_character_set_name, null::varchar as sql_path from pg_namespace;
create view information_schema_tables as select 'clientele' as table_catalog, 'public' as table_schema, name as table_name, 'BASE TABLE' as table_type, null::varchar as self_referencing_column_name, null::varchar as reference_generation,
    null::varchar as user_defined_type_catalog, null::varchar as user_defined_type_schema, null::varchar as user_defined_type_name, 'NO' as is_insertable_into, 'NO' as is_typed, null::varchar as commit_action from rel;
create view information_schema_columns as select 'clientele' as table_catalog, 'public' as table_schema, r.name as table_name, c.name as column_name, c.num as ordinal_position, null::varchar as column_default, 'YES' as is_nullable,
    case when t.typcategory = 'A' then 'ARRAY' else t.words end as data_type, null::integer as character_maximum_length, null::integer as character_octet_length,
    case c.typ when 20 then 64 when 23 then 32 when 21 then 16 when 701 then 53 when 700 then 24 when 1700 then case when c.typmod > 0 then (c.typmod - 4) >> 16 end end as numeric_precision,
    case when c.typ in (20, 21, 23, 700, 701) then 2 when c.typ = 1700 then 10 end as numeric_precision_radix,
    case when c.typ in (20, 21, 23) then 0 when c.typ = 1700 and c.typmod > 0 then (c.typmod - 4) & 65535 end as numeric_scale,
    case when c.typ in (1114, 1184) then 6 when c.typ = 1082 then 0 end as datetime_precision, null::varchar as interval_type, null::integer as interval_precision, null::varchar as character_set_catalog, null::varchar as character_set_schema,
    null::varchar as character_set_name, null::varchar as collation_catalog, null::varchar as collation_schema, null::varchar as collation_name, null::varchar as domain_catalog, null::varchar as domain_schema, null::varchar as domain_name,
    'clientele' as udt_catalog, 'pg_catalog' as udt_schema, t.typname as udt_name, null::varchar as scope_catalog, null::varchar as scope_schema, null::varchar as scope_name, null::integer as maximum_cardinality, c.num::varchar as dtd_identifier,
    'NO' as is_self_referencing, 'NO' as is_identity, null::varchar as identity_generation, null::varchar as identity_start, null::varchar as identity_increment, 'NO' as identity_cycle, 'NEVER' as is_generated,
    null::varchar as generation_expression, 'NO' as is_updatable
from col c join rel r on r.oid = c.rel join pg_type t on t.oid = c.typ;
create view information_schema_table_privileges as select 'clientele' as grantor, 'clientele' as grantee, 'clientele' as table_catalog, 'public' as table_schema, name as table_name, 'SELECT' as privilege_type, 'NO' as is_grantable, 'YES' as with_hierarchy from rel;
create view information_schema_role_table_grants as select * from information_schema_table_privileges;
create table information_schema_table_constraints (constraint_catalog varchar, constraint_schema varchar, constraint_name varchar, table_catalog varchar, table_schema varchar, table_name varchar, constraint_type varchar, is_deferrable varchar, initially_deferred varchar, enforced varchar);
create table information_schema_key_column_usage (constraint_catalog varchar, constraint_schema varchar, constraint_name varchar, table_catalog varchar, table_schema varchar, table_name varchar, column_name varchar, ordinal_position integer, position_in_unique_constraint integer);
create table information_schema_constraint_column_usage (table_catalog varchar, table_schema varchar, table_name varchar, column_name varchar, constraint_catalog varchar, constraint_schema varchar, constraint_name varchar);
create table information_schema_referential_constraints (constraint_catalog varchar, constraint_schema varchar, constraint_name varchar, unique_constraint_catalog varchar, unique_constraint_schema varchar, unique_constraint_name varchar, match_option varchar, update_rule varchar, delete_rule varchar);
create table information_schema_views (table_catalog varchar, table_schema varchar, table_name varchar, view_definition varchar, check_option varchar, is_updatable varchar);
create table information_schema_routines (specific_catalog varchar, specific_schema varchar, specific_name varchar, routine_catalog varchar, routine_schema varchar, routine_name varchar, routine_type varchar, data_type varchar, type_udt_name varchar, routine_definition varchar);
create table information_schema_parameters (specific_catalog varchar, specific_schema varchar, specific_name varchar, ordinal_position integer, parameter_mode varchar, parameter_name varchar, data_type varchar, udt_name varchar);
create table information_schema_sequences (sequence_catalog varchar, sequence_schema varchar, sequence_name varchar, data_type varchar);
create table information_schema_triggers (trigger_catalog varchar, trigger_schema varchar, trigger_name varchar, event_manipulation varchar, event_object_schema varchar, event_object_table varchar);
create table information_schema_character_sets (character_set_catalog varchar, character_set_schema varchar, character_set_name varchar, default_collate_name varchar);
create table information_schema_enabled_roles (role_name varchar);

create macro pgc_version() as 'PostgreSQL 15.0 (Clientele, read only)';
create macro pgc_current_user(u) as u;
create macro pgc_session_user(u) as u;
create macro pgc_current_role(u) as u;
create macro pgc_current_database() as 'clientele';
create macro pgc_current_catalog() as 'clientele';
create macro pgc_current_schema() as 'public';
create macro pgc_current_schemas(implicit) as case when implicit then ['pg_catalog', 'public'] else ['public'] end;
create macro pgc_array_upper(a, d) as len(a);
create macro pgc_array_lower(a, d) as 1;
create macro pgc_pg_backend_pid(p) as p;
create macro pgc_pg_is_in_recovery() as false;
create macro pgc_pg_postmaster_start_time() as current_timestamp;
create macro pgc_txid_current() as 1::bigint;
create macro pgc_inet_server_addr() as null::varchar;
create macro pgc_inet_server_port() as null::integer;
create macro pgc_pg_my_temp_schema() as 0::bigint;
create macro pgc_pg_is_other_temp_schema(o) as false;
create macro pgc_pg_get_userbyid(o) as 'clientele';
create macro pgc_pg_encoding_to_char(e) as 'UTF8';
create macro pgc_pg_char_to_encoding(e) as 6;
create macro pgc_pg_table_is_visible(o) as true;
create macro pgc_pg_type_is_visible(o) as true;
create macro pgc_pg_function_is_visible(o) as true;
create macro pgc_pg_opclass_is_visible(o) as true;
create macro pgc_pg_operator_is_visible(o) as true;
create macro pgc_pg_collation_is_visible(o) as true;
create macro pgc_pg_statistics_obj_is_visible(o) as true;
create macro pgc_pg_relation_is_publishable(o) as false;
create macro pgc_pg_get_expr(a, b) as null::varchar, (a, b, c) as null::varchar;
create macro pgc_pg_get_indexdef(a) as null::varchar, (a, b, c) as null::varchar;
create macro pgc_pg_get_constraintdef(a) as null::varchar, (a, b) as null::varchar;
create macro pgc_pg_get_viewdef(a) as null::varchar, (a, b) as null::varchar;
create macro pgc_pg_get_triggerdef(a) as null::varchar, (a, b) as null::varchar;
create macro pgc_pg_get_functiondef(a) as null::varchar;
create macro pgc_pg_get_function_arguments(a) as null::varchar;
create macro pgc_pg_get_function_identity_arguments(a) as null::varchar;
create macro pgc_pg_get_function_result(a) as null::varchar;
create macro pgc_pg_get_statisticsobjdef_columns(a) as null::varchar;
create macro pgc_pg_get_partkeydef(a) as null::varchar;
create macro pgc_pg_get_serial_sequence(a, b) as null::varchar;
create macro pgc_pg_get_ruledef(a) as null::varchar, (a, b) as null::varchar;
create macro pgc_pg_tablespace_location(a) as '';
create macro pgc_pg_table_size(o) as 0::bigint;
create macro pgc_pg_relation_size(o) as 0::bigint;
create macro pgc_pg_total_relation_size(o) as 0::bigint;
create macro pgc_pg_indexes_size(o) as 0::bigint;
create macro pgc_pg_database_size(o) as 0::bigint;
create macro pgc_pg_size_pretty(n) as n::varchar || ' bytes';
create macro pgc_pg_get_keywords() as null::varchar;
create macro pgc_obj_description(o) as null::varchar, (o, c) as null::varchar;
create macro pgc_shobj_description(o, c) as null::varchar;
create macro pgc_col_description(o, n) as null::varchar;
create macro pgc_has_table_privilege(a, b) as upper(b) = 'SELECT' or upper(b) like '%SELECT%', (u, a, b) as upper(b) like '%SELECT%';
create macro pgc_has_any_column_privilege(a, b) as upper(b) like '%SELECT%', (u, a, b) as upper(b) like '%SELECT%';
create macro pgc_has_column_privilege(t, a, b) as upper(b) like '%SELECT%', (u, t, a, b) as upper(b) like '%SELECT%';
create macro pgc_has_schema_privilege(a, b) as upper(b) like '%USAGE%', (u, a, b) as upper(b) like '%USAGE%';
create macro pgc_has_database_privilege(a, b) as upper(b) like '%CONNECT%', (u, a, b) as upper(b) like '%CONNECT%';
create macro pgc_has_function_privilege(a, b) as false, (u, a, b) as false;
create macro pgc_pg_has_role(a, b) as true, (u, a, b) as true;
create macro pgc_current_setting(n) as (select setting from pg_settings pgc_s where lower(pgc_s.name) = lower(n)), (n, missing) as (select setting from pg_settings pgc_s where lower(pgc_s.name) = lower(n));
create macro pgc_set_config(n, v, l) as v;
create macro pgc_quote_ident(s) as case when regexp_full_match(s, '[a-z_][a-z0-9_$]*') then s else '"' || replace(s, '"', '""') || '"' end;
create macro pgc_quote_literal(s) as '''' || replace(s, '''', '''''') || '''';
create macro pgc_format(f) as f, (f, a) as regexp_replace(f, '%[sIL]', a), (f, a, b) as regexp_replace(regexp_replace(f, '%[sIL]', a), '%[sIL]', b),
    (f, a, b, c) as regexp_replace(regexp_replace(regexp_replace(f, '%[sIL]', a), '%[sIL]', b), '%[sIL]', c);
create macro pgc_to_regclass(n) as coalesce((select pgc_r.oid from rel pgc_r where pgc_r.name = replace(regexp_replace(n::varchar, '^"?public"?[.]', ''), '"', '')), try_cast(n::varchar as bigint));
create macro pgc_to_regproc(n) as regexp_replace(n::varchar, '^pg_catalog[.]', '');
create macro pgc_to_regtype(n) as coalesce((select pgc_t.oid from pg_type pgc_t where pgc_t.typname = regexp_replace(n::varchar, '^pg_catalog[.]', '') or pgc_t.words = lower(n::varchar)), try_cast(n::varchar as bigint));
create macro pgc_to_regnamespace(n) as coalesce((select pgc_s.oid from pg_namespace pgc_s where pgc_s.nspname = n::varchar), try_cast(n::varchar as bigint));
create macro pgc_format_type(o, m) as (select pgc_t.words || case when o = 1700 and m > 0 then '(' || ((m - 4) >> 16) || ',' || ((m - 4) & 65535) || ')' else '' end from pg_type pgc_t where pgc_t.oid = o);
create macro pgc__pg_expandarray(a) as unnest(list_transform(a, (x, i) -> {'x': x, 'n': i}));
create macro pgc__pg_truetypid(a, t) as 0::bigint;
create macro pgc_generate_subscripts(a, d) as unnest(range(1, len(a) + 1));
create macro pgc_age(x) as 0;
create macro pgc_pg_advisory_unlock_all() as null::varchar;
