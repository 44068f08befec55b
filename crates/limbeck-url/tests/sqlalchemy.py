"""Prints the arguments that SQLAlchemy would pass to the driver, as JSON, for each URL on standard input."""
import json
import sys

from sqlalchemy.engine import make_url

for line in sys.stdin:
    url = make_url(json.loads(line))
    arguments, keywords = url.get_dialect()().create_connect_args(url)
    keywords = {key: value for key, value in keywords.items() if not callable(value)}
    print(json.dumps([list(arguments), keywords], default=str), flush=True)
