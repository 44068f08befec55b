"""The tables of the shop after all migrations."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

order_status = sa.Enum("open", "paid", "shipped", "cancelled", "refunded", name="order_status")

countries = sa.Table(
    "countries",
    metadata,
    sa.Column("code", sa.String(2), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False),
)

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("display_name", sa.String(120), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False, server_default=sa.func.current_timestamp()),
)

addresses = sa.Table(
    "addresses",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "customer_id",
        sa.ForeignKey("customers.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("street", sa.Text, nullable=False),
    sa.Column("city", sa.String(120), nullable=False),
    sa.Column("country_code", sa.ForeignKey("countries.code")),
)

products = sa.Table(
    "products",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sku", sa.String(32), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("price", sa.Numeric(10, 2), nullable=False),
    sa.Column("attributes", sa.JSON),
    sa.Column("slug", sa.String(220), nullable=False, unique=True),
    sa.CheckConstraint("price >= 0", name="price_not_negative"),
    sa.Index(None, "sku", unique=True),
)

categories = sa.Table(
    "categories",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, unique=True),
    sa.Column("parent_id", sa.ForeignKey("categories.id")),
)

product_categories = sa.Table(
    "product_categories",
    metadata,
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("category_id", sa.ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("customer_id", sa.ForeignKey("customers.id"), nullable=False, index=True),
    sa.Column("status", order_status, nullable=False, server_default="open"),
    sa.Column("placed_at", sa.DateTime, nullable=False, server_default=sa.func.current_timestamp()),
    sa.Column("shipping_address_id", sa.ForeignKey("addresses.id")),
    sa.Column("total", sa.Numeric(12, 2), nullable=False, server_default="0"),
    sa.Index(None, "status", "placed_at"),
)

order_lines = sa.Table(
    "order_lines",
    metadata,
    sa.Column("order_id", sa.ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("product_id", sa.ForeignKey("products.id"), nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False, server_default="1"),
    sa.Column("unit_price", sa.Numeric(10, 2), nullable=False),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
)

shipments = sa.Table(
    "shipments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("order_id", sa.ForeignKey("orders.id"), nullable=False, index=True),
    sa.Column("carrier", sa.String(60), nullable=False),
    sa.Column("tracking_code", sa.String(80)),
    sa.Column("shipped_at", sa.DateTime),
    sa.Column("category_id", sa.ForeignKey("categories.id")),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "product_id",
        sa.ForeignKey("products.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("customer_id", sa.ForeignKey("customers.id", ondelete="SET NULL")),
    sa.Column("stars", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.Text),
    sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars_in_range"),
)
