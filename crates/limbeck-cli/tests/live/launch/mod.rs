//! `run`, `dev`, `status` and `wait`: the application's life from start to end, and the failures in between.

mod axum_shop;
mod browser;
mod cycles;
mod database;
mod dev;
mod health;
mod init;
mod life;
mod page;
mod rollback;
mod shop;
mod status;
mod support;
mod wait;
