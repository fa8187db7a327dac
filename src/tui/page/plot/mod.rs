//! Plots on a grid of characters: what is drawn where ([`raster`]), and what stands at the edges
//! ([`axis`]).

pub mod axis;
pub mod raster;
