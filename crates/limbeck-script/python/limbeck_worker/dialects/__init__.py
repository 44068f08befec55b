"""scratch"""
import types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from ..channel import HostError
CH=None
class Error(Exception): pass
class OperationalError(Error): pass
class Connection:
    isolation_level=""
    def __init__(self, **kw):
        r=CH.request("connect", url=kw.pop("url"), args={})
        self.limbeck_connection=r["connection"]; self.version=r["version"]; self.status="I"
    def cursor(self): return Cursor(self)
    def run(self, sql, params):
        before=[]
        w=sql.lstrip()[:7].lower()
        if self.isolation_level is not None and self.status=="I" and w.startswith(("insert","update","delete","replace")): before=["BEGIN"]
        try: r=CH.request("execute", connection=self.limbeck_connection, sql=sql, parameters=list(params), before=before)
        except HostError as e:
            x=OperationalError(str(e)); x.limbeck_error=e.fields["id"]; self.status=e.fields["status"]; raise x
        self.status=r["status"]; return r["results"][-1]
    def commit(self):
        if self.status!="I": self.run("COMMIT",())
    def rollback(self):
        if self.status!="I": self.run("ROLLBACK",())
    def close(self): CH.request("close", connection=self.limbeck_connection)
    def create_function(self,*a,**k): pass
    def execute(self, sql, p=()):
        c=self.cursor(); c.execute(sql,p); return c
class Cursor:
    arraysize=1
    def __init__(self,c): self.c=c; self.description=None; self.rows=[]; self.rowcount=-1; self.lastrowid=None
    def execute(self, sql, params=()):
        r=self.c.run(sql, params)
        self.description=[(n[0],)+(None,)*6 for n in r["columns"]] if r["columns"] else None
        self.rows=[tuple(x) for x in r["rows"]]; self.rowcount=r["affected"]; self.lastrowid=r["last_id"]
        return self
    def fetchall(self): r,self.rows=self.rows,[]; return r
    def fetchone(self): return self.rows.pop(0) if self.rows else None
    def close(self): pass
dbapi=types.SimpleNamespace(paramstyle="qmark",sqlite_version_info=(3,45,0),sqlite_version="3.45.0",version_info=(3,45,0),Error=Error,OperationalError=OperationalError,connect=lambda **k: Connection(**k), PARSE_DECLTYPES=1,PARSE_COLNAMES=2, Binary=bytes)
for n in ("DatabaseError","IntegrityError","ProgrammingError","InterfaceError","InternalError","DataError","NotSupportedError"): setattr(dbapi,n,type(n,(Error,),{}))
class D(SQLiteDialect_pysqlite):
    supports_statement_cache=True
    @classmethod
    def import_dbapi(cls): return dbapi
    dbapi=import_dbapi
    def create_connect_args(self,url): return [],{"url":url.render_as_string(hide_password=False)}
def register(ch):
    global CH; CH=ch
    import sys
    m=sys.modules[__name__]
    for n in ("sqlite","sqlite.pysqlite","sqlite.aiosqlite"): registry.register(n,__name__,"D")
