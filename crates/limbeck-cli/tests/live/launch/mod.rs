//! `run`: the application's whole life, and each way in which it can go wrong.

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
